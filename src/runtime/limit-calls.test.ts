import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyText } from './limit-calls.ts';

test('a key names its value; what is long goes by its hash, and two that differ stay two', () => {
  assert.deepEqual(
    [keyText('1'), keyText(1), keyText(true), keyText(undefined)],
    ['string:1', 'number:1', 'boolean:true', undefined],
  );
  const [one, other] = ['x'.repeat(100_000), `${'x'.repeat(99_999)}y`];
  assert.notEqual(keyText(one), keyText(other));
  assert.equal(keyText(one), keyText(one));
  for (const long of [one, 'x'.repeat(250), new Uint8Array(100_000)]) assert.ok((keyText(long)?.length ?? 0) <= 256);
});
