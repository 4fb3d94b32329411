import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { KeyBuffer, readSteps } from './key-buffer.ts';

const keyOf = (name: string): Uint8Array => createHash('sha256').update(name).digest().subarray(0, 16);
const entry = (event: string) => ({ event, endpoint: 7, expires: 1_750_000_000_123, windowMs: 259_200_000 });

describe('a buffer of delivery ids', () => {
  test('finds each of thousands that were added, none that were forgotten, and no stranger', () => {
    const buffer = new KeyBuffer();
    const places = Array.from({ length: 5000 }, (_, index) => buffer.add(keyOf(`${index}`), entry(`é${index}`)));
    for (let index = 0; index < 5000; index += 3) buffer.forget(places[index] ?? -1);
    for (let index = 0; index < 5000; index += 1) {
      const found = buffer.find(keyOf(`${index}`));
      assert.equal(found, index % 3 === 0 ? -1 : places[index]);
      if (found >= 0) assert.deepEqual(buffer.entryAt(found), entry(`é${index}`));
    }
    for (let index = 0; index < 1000; index += 1) assert.equal(buffer.find(keyOf(`stranger ${index}`)), -1);
    assert.equal(buffer.live, 5000 - 1667);
  });

  test('names its keys by age and in their own order', () => {
    const buffer = new KeyBuffer();
    const added = Array.from({ length: 500 }, (_, index) => buffer.add(keyOf(`${index}`), entry('e')));
    buffer.forget(added[3] ?? -1);
    const left = added.filter((_, index) => index !== 3);
    assert.deepEqual([...buffer.places()], left);
    const hex = (place: number): string => Buffer.from(buffer.keyAt(place)).toString('hex');
    assert.deepEqual([...buffer.placesByKey()].map(hex), left.map(hex).toSorted());
  });

  test('takes back what was added last, and reads its steps again as they were', () => {
    const buffer = new KeyBuffer();
    buffer.add(keyOf('a'), entry('one'));
    const { length } = buffer;
    const place = buffer.add(keyOf('b'), entry('two'));
    buffer.undo(place);
    assert.deepEqual([buffer.length, buffer.added, buffer.find(keyOf('b'))], [length, 1, -1]);
    buffer.noteRemoved(keyOf('a'));
    buffer.noteLeft(12);
    buffer.noteClosed();
    const steps = [...readSteps(buffer.bytesFrom(0))].map((step) =>
      'key' in step ? { ...step, key: Buffer.from(step.key).toString('hex') } : step,
    );
    const key = Buffer.from(keyOf('a')).toString('hex');
    assert.deepEqual(steps, [
      { kind: 'added', key, entry: entry('one') },
      { kind: 'removed', key },
      { kind: 'left', count: 12 },
      { kind: 'closed' },
    ]);
    assert.throws(() => [...readSteps(Uint8Array.of(9))], /a step 9 that nobody knows/);
  });
});
