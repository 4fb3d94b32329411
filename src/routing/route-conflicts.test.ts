import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hostsOverlap } from '../triggers/host-pattern.ts';
import { patternsOverlap } from '../../test/builders/patterns-overlap.ts';
import { parseRoutePattern, type RoutePattern } from '../triggers/route-pattern.ts';
import { findConflicts, type Claim } from './route-conflicts.ts';

type NamedClaim = Claim & { readonly pattern: RoutePattern };

function claim(namespace: string, path: string, parts: Partial<Claim> = {}): NamedClaim {
  const parsed = parseRoutePattern(path);
  assert.ok(parsed.ok, path);
  const { pattern } = parsed;
  const functionName = parts.functionName ?? `${namespace}${path}`;
  return {
    uid: functionName,
    namespace,
    functionName,
    trigger: 'web',
    host: undefined,
    segments: pattern.segments,
    methods: [],
    pattern,
    ...parts,
  };
}

function losers(...claims: readonly NamedClaim[]): readonly string[] {
  return findConflicts(claims).map(
    ({ claim, winner }) => `${claim.namespace} ${claim.pattern.text} ${winner?.functionName ?? '-'}`,
  );
}

test('between namespaces any overlap is a conflict for the later one, and nobody is named', () => {
  for (const [first, second] of [
    ['/x', '/x'],
    ['/x', '/:any'],
    ['/:any', '/x'],
    ['/a/*', '/a/b/c'],
    ['/a/b/c', '/a/*'],
    ['/:p/b', '/a/:q'],
    ['/*', '/a/b'],
    ['/a/:p/c', '/a/*'],
  ] as const) {
    assert.deepEqual(losers(claim('a', first), claim('b', second)), [`b ${second} -`], `${first} ${second}`);
  }
  for (const [first, second] of [
    ['/x', '/y'],
    ['/x', '/x/y'],
    ['/a/*', '/a'],
    ['/:p/b', '/:q/c'],
  ] as const) {
    assert.deepEqual(losers(claim('a', first), claim('b', second)), [], `${first} ${second}`);
  }
});

test('methods do not keep namespaces apart', () => {
  const get = claim('a', '/x', { methods: ['GET'] });
  const post = claim('b', '/x', { methods: ['POST'] });
  assert.deepEqual(losers(get, post), ['b /x -']);
});

test('inside one namespace patterns overlap freely, and the same pattern belongs to the oldest, who is named', () => {
  const oldest = claim('a', '/items/:id', { functionName: 'oldest' });
  assert.deepEqual(losers(oldest, claim('a', '/items/new'), claim('a', '/items/*')), []);
  assert.deepEqual(losers(oldest, claim('a', '/items/:name')), ['a /items/:name oldest']);
  const get = claim('a', '/x', { methods: ['GET'], functionName: 'get' });
  const post = claim('a', '/x', { methods: ['POST'], functionName: 'post' });
  const both = claim('a', '/x', { methods: ['PUT', 'POST'], functionName: 'both' });
  assert.deepEqual(losers(get, post, both), ['a /x post']);
});

test('who loses takes nothing from those after', () => {
  const all = losers(claim('a', '/x/y'), claim('b', '/x/*'), claim('c', '/x/z'));
  assert.deepEqual(all, ['b /x/* -']);
});

test('hosts keep routes of namespaces apart unless some host belongs to both', () => {
  const at = (namespace: string, host: string | undefined) => claim(namespace, '/x', { host });
  assert.deepEqual(losers(at('a', 'a.test'), at('b', 'b.test')), []);
  assert.deepEqual(losers(at('a', 'a.test'), at('b', 'a.test')), ['b /x -']);
  assert.deepEqual(losers(at('a', '*.test'), at('b', 'b.test')), ['b /x -']);
  assert.deepEqual(losers(at('a', undefined), at('b', 'b.test')), ['b /x -']);
  assert.deepEqual(
    losers(at('a', undefined), at('a', 'b.test'), at('a', '*.test')),
    [],
    'inside one, precedence decides',
  );
});

test('the tree decides as comparing each with each does', () => {
  const segment = fc.constantFrom('a', 'b', ':p', '*');
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => {
    const end = parts.indexOf('*');
    const kept = end === -1 ? parts : parts.slice(0, end + 1);
    return `/${kept.map((part, index) => (part === ':p' ? `:p${index}` : part)).join('/')}`;
  });
  const methods = fc.constantFrom([], ['GET'], ['POST'], ['GET', 'POST']);
  const claims = fc
    .array(
      fc.tuple(fc.constantFrom('a', 'b', 'c'), path, methods, fc.constantFrom(undefined, 'h.test', 'i.test', '*.test')),
      { maxLength: 8 },
    )
    .map((list) =>
      list.map(([namespace, text, methods, host], index) =>
        claim(namespace, text, { methods, host, functionName: `f${index}` }),
      ),
    );
  fc.assert(
    fc.property(claims, (list) => {
      const expected = naiveConflicts(list);
      assert.deepEqual(
        findConflicts(list).map(({ claim, winner }) => [claim.uid, winner?.uid]),
        expected,
      );
    }),
    { numRuns: 2000 },
  );
});

function naiveConflicts(claims: readonly NamedClaim[]): readonly (readonly [string, string | undefined])[] {
  const granted: NamedClaim[] = [];
  const lost: [string, string | undefined][] = [];
  for (const one of claims) {
    const near = granted.filter(({ host }) => !host || !one.host || hostsOverlap(host, one.host));
    const foreign = near.some(
      (other) => other.namespace !== one.namespace && patternsOverlap(other.pattern, one.pattern),
    );
    const own = granted.find(
      (other) =>
        other.host === one.host &&
        other.namespace === one.namespace &&
        shape(other.pattern) === shape(one.pattern) &&
        (other.methods.length === 0 ||
          one.methods.length === 0 ||
          other.methods.some((each) => one.methods.includes(each))),
    );
    if (foreign) lost.push([one.uid, undefined]);
    else if (own !== undefined) lost.push([one.uid, own.uid]);
    else granted.push(one);
  }
  return lost;
}

function shape(pattern: RoutePattern): string {
  return pattern.segments.map((segment) => (segment.kind === 'literal' ? segment.text : segment.kind)).join('/');
}
