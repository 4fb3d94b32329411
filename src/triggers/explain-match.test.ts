import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainMatch } from './explain-match.ts';
import { RouteMatcher, type Mount } from './route-matcher.ts';
import { parseRoutePattern } from './route-pattern.ts';

const matcher = new RouteMatcher<Mount>({
  reserved: new Set(['function']),
  grantOf: (host) => (host === 'shop.test' ? host : undefined),
});
for (const [text, methods, host] of [
  ['/team-a/deploy', ['POST']],
  ['/team-a/items/:id', []],
  ['/team-a/files/*', []],
  ['/cart', [], 'shop.test'],
] as const) {
  const parsed = parseRoutePattern(text);
  assert.ok(parsed.ok);
  matcher.add({ ...parsed.pattern, methods, host });
}

function last(target: string, method = 'POST', host = 'any.test'): string {
  const steps = explainMatch(matcher, host, target, method);
  const step = steps.at(-1);
  return `${steps.length} ${step?.step} ${step?.ok}: ${step?.detail}`;
}

test('a match is told to its end', () => {
  assert.deepEqual(
    explainMatch(matcher, 'any.test:80', '/team-a/deploy?x', 'POST').map(
      ({ step, ok, detail }) => `${step} ${ok} ${detail}`,
    ),
    [
      'path true the path is /team-a/deploy',
      'host true the host any.test reaches routes of any host',
      'route true the route is /team-a/deploy',
      'method true it accepts POST; the request is POST',
    ],
  );
});

test('the first step that fails says what there is instead', () => {
  assert.equal(last('/team-a/deplyo'), '3 route false: below /team-a there is no "deplyo": did you mean "deploy"?');
  assert.equal(
    last('/team-a/orders'),
    '3 route false: below /team-a there is no "orders": there is deploy, items, files',
  );
  assert.equal(
    last('/team-a/items'),
    '3 route false: /team-a/items has no route of its own; there are routes below it',
  );
  assert.equal(last('/team-a/items/1/x'), '3 route false: below /team-a/items/1 there is no "x": the route ends there');
  assert.equal(last('/team-a/deploy', 'GET'), '4 method false: it accepts POST; the request is GET');
  assert.equal(last('/team-a//deploy'), '1 path false: the path has an empty segment (a double or trailing slash)');
  assert.equal(last('/function/a'), '1 path false: /function is reserved: no trigger can be mounted there');
});

test('names of other namespaces and hosts are not told', () => {
  assert.equal(last('/team-b/x'), '3 route false: no route begins with /team-b');
  assert.equal(last('/team-a/deploy', 'POST', 'shop.test'), '3 route false: no route begins with /team-a');
  assert.deepEqual(
    explainMatch(matcher, 'any.test', '/team-a/deplyo', 'POST', { sameNamespace: false }).at(-1)?.detail,
    'below /team-a there is no "deplyo"',
  );
});

test('a host without any route is said to be one', () => {
  assert.deepEqual(explainMatch(new RouteMatcher<Mount>(), 'h.test', '/a', 'GET').at(-1), {
    step: 'host',
    ok: false,
    detail: 'no route is mounted for the host h.test',
  });
});
