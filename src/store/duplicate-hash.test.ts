import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointNumber, hashEndpoint, hashKey } from './duplicate-hash.ts';
import { KeyFilter, bitsOf, placeOf } from './key-filter.ts';

const day = 86_400_000;
const keyOf = (namespaceUid: string, endpoint: string, key: string): string =>
  hashKey(namespaceUid, { endpoint, key, windowMs: day }).toString('hex');

test('texts that run together differently are different keys, so that nobody writes one of another namespace', () => {
  const keys = [
    keyOf('ns', 'a', 'b'),
    keyOf('ns', 'a","b', ''),
    keyOf('ns', 'a\n', 'b'),
    keyOf('ns', '', 'ab'),
    keyOf('nsa', '', 'b'),
    keyOf('ns","a', 'b', ''),
    keyOf('n', 'sa', 'b'),
    keyOf('ns', 'ab', ''),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(keys.every((key) => key.length === 32));
  assert.notDeepEqual(
    hashEndpoint('a', { endpoint: 'b', key: '', windowMs: day }),
    hashKey('a', { endpoint: 'b', key: '', windowMs: day }),
  );
});

test('an endpoint has a number that begins with its namespace', () => {
  const half = (namespaceUid: string, endpoint: string): bigint =>
    BigInt(endpointNumber(namespaceUid, { endpoint })) >> 32n;
  assert.equal(half('ns-a', 'one'), half('ns-a', 'two'));
  assert.notEqual(half('ns-a', 'one'), half('ns-b', 'one'));
  assert.notEqual(endpointNumber('ns-a', { endpoint: 'one' }), endpointNumber('ns-a', { endpoint: 'two' }));
});

test('ids that were searched for because the filter takes them for known ones are other keys: they cost one look', () => {
  const known = hashKey('ns', { endpoint: 'a', key: 'known', windowMs: day });
  const filter = KeyFilter.for(16);
  filter.add(placeOf(known), bitsOf(known));
  let found = 0;
  for (let tried = 0; tried < 400_000 && found < 3; tried += 1) {
    const other = hashKey('hostile', { endpoint: 'a', key: String(tried), windowMs: day });
    if (!filter.mayHold(placeOf(other), bitsOf(other))) continue;
    found += 1;
    assert.notDeepEqual(other, known);
  }
  assert.ok(found > 0, 'control: such ids are found');
});
