import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RouteMatcher, type MatcherOptions, type Mount, type RouteMatch } from './route-matcher.ts';
import { comparePatterns, matchPattern, parseRoutePattern, type RoutePattern } from './route-pattern.ts';

function pattern(text: string): RoutePattern {
  const parsed = parseRoutePattern(text);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message);
  return parsed.pattern;
}

interface Route extends Mount {
  readonly value: string;
}

function route(text: string, methods: readonly string[] = [], host?: string): Route {
  return { ...pattern(text), methods, host, value: `${host ?? ''}${text}` };
}

function matcherOf(routes: readonly Route[], options: MatcherOptions = {}): RouteMatcher<Route> {
  const matcher = new RouteMatcher<Route>(options);
  for (const one of routes) matcher.add(one);
  return matcher;
}

function valueOf(match: RouteMatch<Route>): string {
  return match.kind === 'found' ? match.route.value : match.kind;
}

test('per segment a literal wins over a parameter and a parameter over the rest', () => {
  const matcher = matcherOf([route('/t/*'), route('/t/:a'), route('/t/x'), route('/t/:a/y'), route('/t/x/:b')]);
  assert.equal(valueOf(matcher.match('h', '/t/x', 'GET')), '/t/x');
  assert.equal(valueOf(matcher.match('h', '/t/z', 'GET')), '/t/:a');
  assert.equal(valueOf(matcher.match('h', '/t/x/y', 'GET')), '/t/x/:b');
  assert.equal(valueOf(matcher.match('h', '/t/z/y', 'GET')), '/t/:a/y');
  assert.equal(valueOf(matcher.match('h', '/t/z/q/r', 'GET')), '/t/*');
  assert.equal(valueOf(matcher.match('h', '/t', 'GET')), 'none');
});

test('parameters arrive decoded', () => {
  const match = matcherOf([route('/items/:id/*')]).match('h', '/items/a%20b%3F/c/d?x=/e', 'GET');
  assert.ok(match.kind === 'found');
  assert.deepEqual(
    [...match.params],
    [
      ['id', 'a b?'],
      ['*', 'c/d'],
    ],
  );
  assert.equal(match.path, '/items/a b?/c/d');
});

test('a path for other methods answers which ones, and a less exact route may answer instead', () => {
  const matcher = matcherOf([
    route('/a/b', ['POST']),
    route('/a/b', ['PUT']),
    route('/c/d', ['POST']),
    route('/c/:x', ['GET']),
  ]);
  const refused = matcher.match('h', '/a/b', 'DELETE');
  assert.ok(refused.kind === 'method');
  assert.deepEqual(refused.allow, ['POST', 'PUT']);
  assert.equal(valueOf(matcher.match('h', '/c/d', 'GET')), '/c/:x');
  const both = matcher.match('h', '/c/d', 'PATCH');
  assert.ok(both.kind === 'method');
  assert.deepEqual(both.allow, ['GET', 'HEAD', 'POST']);
});

test('HEAD is answered by routes for GET', () => {
  assert.equal(valueOf(matcherOf([route('/a', ['GET'])]).match('h', '/a', 'HEAD')), '/a');
  assert.equal(valueOf(matcherOf([route('/a', ['POST'])]).match('h', '/a', 'HEAD')), 'method');
});

test('an exact host wins over a wildcard, a longer wildcard over a shorter, any over no host', () => {
  const matcher = matcherOf([
    route('/a', []),
    route('/a', [], '*.example.com'),
    route('/a', [], '*.b.example.com'),
    route('/a', [], 'x.b.example.com'),
  ]);
  assert.equal(valueOf(matcher.match('X.b.example.com:8080', '/a', 'GET')), 'x.b.example.com/a');
  assert.equal(valueOf(matcher.match('y.b.example.com.', '/a', 'GET')), '*.b.example.com/a');
  assert.equal(valueOf(matcher.match('q.example.com', '/a', 'GET')), '*.example.com/a');
  assert.equal(valueOf(matcher.match('example.com', '/a', 'GET')), '/a');
  assert.equal(valueOf(matcher.match(undefined, '/a', 'GET')), '/a');
});

test('a host that was asked for just now reaches what comes to it and not what has left it', () => {
  const matcher = matcherOf([route('/p')]);
  assert.equal(valueOf(matcher.match('a.example', '/p', 'GET')), '/p');
  const own = route('/p', [], 'a.example');
  matcher.add(own);
  assert.equal(valueOf(matcher.match('a.example', '/p', 'GET')), 'a.example/p');
  matcher.remove(own);
  assert.equal(valueOf(matcher.match('a.example', '/p', 'GET')), '/p');
});

test('routes of one grant are not reached through a host of another', () => {
  const grantOf = (host: string): string | undefined =>
    host.endsWith('b.example.com') ? '*.b.example.com' : undefined;
  const matcher = matcherOf([route('/a'), route('/b', [], '*.b.example.com'), route('/c', [], 'x.b.example.com')], {
    grantOf,
  });
  assert.equal(valueOf(matcher.match('x.b.example.com', '/a', 'GET')), 'none');
  assert.equal(valueOf(matcher.match('x.b.example.com', '/b', 'GET')), '*.b.example.com/b');
  assert.equal(valueOf(matcher.match('x.b.example.com', '/c', 'GET')), 'x.b.example.com/c');
  assert.equal(valueOf(matcher.match('other.example.com', '/a', 'GET')), '/a');
  assert.equal(valueOf(matcher.match('other.example.com', '/b', 'GET')), 'none');
});

test('reserved first segments reach no route, however they are written', () => {
  const matcher = matcherOf([route('/*'), route('/:a/b'), route('/function/b')], { reserved: new Set(['function']) });
  for (const target of ['/function/b', '/%66unction/b', '/function', '/function?x']) {
    assert.equal(valueOf(matcher.match('h', target, 'GET')), 'none', target);
  }
  assert.equal(valueOf(matcher.match('h', '/functions/b', 'GET')), '/:a/b');
});

const invalid = [
  '',
  '*',
  'http://h/a',
  '/a//b',
  '/a/',
  '//',
  '/a/./b',
  '/a/%2e',
  '/a/..',
  '/a%2fb',
  '/a%5cb',
  '/a\\b',
  '/a%',
  '/a%ff',
  '/a%00',
  '/a#b',
  '/é',
];

test('a target that is not in canonical form matches nothing, though a wildcard stands there', () => {
  const matcher = matcherOf([route('/*'), route('/a'), route('/a/b'), route('/a%25')]);
  for (const target of invalid) assert.equal(valueOf(matcher.match('h', target, 'GET')), 'invalid', target);
  // The control: the same matcher answers their canonical sisters.
  for (const target of ['/a', '/a/b', '/a%25', '/%61/b', '/caf%C3%A9']) {
    assert.equal(matcher.match('h', target, 'GET').kind, 'found', target);
  }
});

test('a removed route is gone, and the one it hid answers', () => {
  const first = route('/a', ['POST']);
  const second = { ...route('/a', ['POST']), value: 'second' };
  const deep = route('/a/:x/c/*');
  const matcher = matcherOf([first, second, deep]);
  assert.equal(valueOf(matcher.match('h', '/a', 'POST')), '/a');
  matcher.remove(first);
  assert.equal(valueOf(matcher.match('h', '/a', 'POST')), 'second');
  matcher.remove(second);
  assert.equal(valueOf(matcher.match('h', '/a', 'POST')), 'none');
  assert.equal(valueOf(matcher.match('h', '/a/b/c/d', 'POST')), '/a/:x/c/*');
  matcher.remove(deep);
  matcher.remove(deep);
  assert.deepEqual([...matcher.routes()], []);
});

const part = fc.constantFrom('a', 'b', ':p', ':q');
const anyText = fc
  .tuple(
    fc.uniqueArray(part, { maxLength: 4, selector: (text) => (text.startsWith(':') ? text : Symbol('any')) }),
    fc.boolean(),
  )
  .map(([parts, rest]) => `/${[...parts, ...(rest ? ['*'] : [])].join('/')}`);
const anyRoute = fc.tuple(anyText, fc.subarray(['GET', 'POST', 'PUT']), fc.constantFrom(undefined, 'h.test'));

test('the matcher gives what trying every route in order of precedence gives, after any additions and removals', () => {
  fc.assert(
    fc.property(
      fc.array(anyRoute, { maxLength: 12 }),
      fc.array(fc.nat({ max: 11 }), { maxLength: 4 }),
      fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 5 }),
      fc.constantFrom('GET', 'POST', 'DELETE'),
      (specs, removed, path, method) => {
        const routes = specs.map(([text, methods, host], index): Route => ({
          ...pattern(text),
          methods,
          host,
          value: String(index),
        }));
        const matcher = matcherOf(routes);
        for (const index of removed) if (routes[index]) matcher.remove(routes[index]);
        const left = routes.filter((_, index) => !removed.includes(index));
        const expected = left
          .map((one, age) => ({ one, age }))
          .filter(({ one }) => matchPattern(one, path) && (one.methods.length === 0 || one.methods.includes(method)))
          .sort(
            (x, y) =>
              Number(x.one.host === undefined) - Number(y.one.host === undefined) ||
              comparePatterns(x.one, y.one) ||
              x.age - y.age,
          )[0];
        const match = matcher.match('h.test', `/${path.join('/')}`, method);
        assert.equal(match.kind === 'found' ? match.route.value : undefined, expected?.one.value);
        if (!expected) {
          const mounted = left.some((one) => matchPattern(one, path));
          assert.equal(match.kind, mounted ? 'method' : 'none');
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('the right one of ten thousand routes is found, and a tree where every branch fits is walked to its end', () => {
  const routes = Array.from({ length: 10_000 }, (_, index) => route(`/team-${index}/items/:id`));
  const matcher = matcherOf(routes);
  assert.equal(valueOf(matcher.match('h', '/team-9999/items/7', 'GET')), '/team-9999/items/:id');
  const wide = new RouteMatcher<Route>();
  for (let bits = 0; bits < 1024; bits += 1) {
    wide.add(
      route(`/${Array.from({ length: 10 }, (_, index) => ((bits >> index) & 1 ? 'a' : `:p${index}`)).join('/')}/end`),
    );
  }
  assert.equal(wide.match('h', '/a/a/a/a/a/a/a/a/a/a/other', 'GET').kind, 'none');
});
