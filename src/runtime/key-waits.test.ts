import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeyWaits } from './key-waits.ts';

const of = (namespaceUid: string, key: string) => ({ namespaceUid, scope: 'f/t', key });

describe('who waits for a key', () => {
  test('few wait for one key, not many in a namespace, and none keeps another namespace from it', () => {
    const waits = new KeyWaits({ ofKey: 2, ofNamespace: 3 });
    const first = waits.enter(of('a', 'x'));
    assert.ok(first);
    assert.ok(waits.enter(of('a', 'x')));
    assert.equal(waits.enter(of('a', 'x')), undefined);
    assert.ok(waits.enter(of('a', 'y')));
    assert.equal(waits.enter(of('a', 'z')), undefined, 'three of the namespace wait');
    assert.ok(waits.enter(of('b', 'x')));
    first.leave();
    first.leave();
    assert.ok(waits.enter(of('a', 'z')));
    assert.equal(waits.enter(of('a', 'z')), undefined, 'one has left, and once');
  });

  test('a free place is told to the one that has waited longest, and to one at a time', () => {
    const waits = new KeyWaits();
    const told: string[] = [];
    const enter = (name: string) => {
      const wait = waits.enter(of('a', 'x'));
      wait?.onFree(() => void told.push(name));
      return wait;
    };
    const first = enter('first');
    enter('second');
    waits.free(of('a', 'y'));
    waits.free(of('b', 'x'));
    assert.equal(told.length, 0);
    waits.free(of('a', 'x'));
    // It looks, and does not wait any more before it has.
    waits.free(of('a', 'x'));
    assert.deepEqual(told, ['first', 'second']);
    first?.onFree(() => void told.push('first again'));
    first?.leave();
    waits.free(of('a', 'x'));
    assert.deepEqual(told, ['first', 'second']);
  });

  test('how many wait in the store is asked once in a while, and again after an error', async () => {
    const waits = new KeyWaits();
    let asked = 0;
    const ask = (): Promise<number> => Promise.resolve((asked += 1));
    assert.deepEqual(await Promise.all([waits.backlog('d', 0, ask), waits.backlog('d', 999, ask)]), [1, 1]);
    assert.equal(await waits.backlog('d', 1_000, ask), 2);
    await assert.rejects(waits.backlog('d', 2_000, () => Promise.reject(new Error('away'))));
    assert.equal(await waits.backlog('d', 2_001, ask), 3);
  });
});
