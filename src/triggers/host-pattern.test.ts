import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { canonicalHost, hostMatches, hostsOverlap } from './host-pattern.ts';

test('a host header is brought into one form', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['Hooks.Example.COM:443', 'hooks.example.com'],
    ['hooks.example.com.', 'hooks.example.com'],
    ['localhost', 'localhost'],
    ['127.0.0.1:8080', '127.0.0.1'],
    ['[::1]:8080', '[::1]'],
    ['', undefined],
    ['a b', undefined],
    ['a/b', undefined],
    ['user@a', undefined],
    ['a:x', undefined],
    ['a..b', undefined],
    ['[::1', undefined],
    ['*.example.com', undefined],
  ];
  for (const [header, expected] of cases) assert.equal(canonicalHost(header), expected, header);
});

test('a wildcard covers everything below its domain and not the domain itself', () => {
  assert.equal(hostMatches('*.example.com', 'a.example.com'), true);
  assert.equal(hostMatches('*.example.com', 'a.b.example.com'), true);
  assert.equal(hostMatches('*.example.com', 'example.com'), false);
  assert.equal(hostMatches('*.example.com', 'badexample.com'), false);
});

test('two host patterns overlap exactly if some host is matched by both', () => {
  const labels = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'));
  const pattern = fc.tuple(fc.boolean(), labels).map(([wide, name]) => (wide ? `*.${name}` : name));
  const hosts: string[] = [];
  let level = ['a', 'b'];
  for (let depth = 1; depth <= 5; depth += 1) {
    hosts.push(...level);
    level = level.flatMap((host) => [`a.${host}`, `b.${host}`]);
  }
  fc.assert(
    fc.property(pattern, pattern, (left, right) => {
      const shared = hosts.some((host) => hostMatches(left, host) && hostMatches(right, host));
      assert.equal(hostsOverlap(left, right), shared, `${left} ${right}`);
    }),
    { numRuns: 500 },
  );
});
