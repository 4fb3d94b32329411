import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatheredBytes } from './gather-bytes.ts';

test('pieces of all sizes are the bytes they were, and small ones do not stay pieces', () => {
  const gathered = new GatheredBytes();
  const given: Buffer[] = [];
  const add = (length: number): void => {
    const piece = Buffer.alloc(length, given.length % 251);
    given.push(piece);
    gathered.add(piece);
  };
  for (let index = 0; index < 200_000; index += 1) add(1);
  assert.ok(gathered.pieces <= 5, `${gathered.pieces} pieces`);
  for (const length of [0, 4096, 4097, 70_000, 3, 0, 65_536, 1]) add(length);
  for (let index = 0; index < 100; index += 1) add(4_000);
  assert.equal(gathered.size, Buffer.concat(given).length);
  assert.ok(gathered.all().equals(Buffer.concat(given)));
  assert.equal(new GatheredBytes().all().length, 0);
});
