import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SharedKeys, sharedKeyBytes } from './shared-keys.ts';

function twoThreads(): [SharedKeys, SharedKeys] {
  const buffer = new SharedArrayBuffer(sharedKeyBytes(2));
  return [new SharedKeys(buffer, 2, 0), new SharedKeys(buffer, 2, 1)];
}

suite('SharedKeys', () => {
  test('a rate lets a burst through, then one per step, over all threads', () => {
    const [one, other] = twoThreads();
    const taken = [one, other, one, other].map((keys) => keys.takeRate('k', 3, 3000, 10_000).ok);
    assert.deepEqual(taken, [true, true, true, false]);
    const refused = one.takeRate('k', 3, 3000, 10_000);
    assert.ok(!refused.ok && refused.retryAfterMs === 1000);
    assert.equal(other.takeRate('k', 3, 3000, 11_000).ok, true);
    assert.equal(one.takeRate('k', 3, 3000, 11_000).ok, false);
  });

  test('keys do not share a rate', () => {
    const [keys] = twoThreads();
    assert.equal(keys.takeRate('a', 1, 1000, 0).ok, true);
    assert.equal(keys.takeRate('b', 1, 1000, 0).ok, true);
    assert.equal(keys.takeRate('a', 1, 1000, 0).ok, false);
  });

  test('the allowance says how many would pass', () => {
    const [keys] = twoThreads();
    assert.equal(keys.rateAllowance('k', 5, 1000, 0), 5);
    keys.takeRate('k', 5, 1000, 0);
    keys.takeRate('k', 5, 1000, 0);
    assert.equal(keys.rateAllowance('k', 5, 1000, 0), 3);
    assert.equal(keys.rateAllowance('k', 5, 1000, 400), 5);
  });

  test('places are counted over all threads and come back', () => {
    const [one, other] = twoThreads();
    const first = one.takePlace('k', 2, 0);
    assert.notEqual(first, undefined);
    assert.notEqual(other.takePlace('k', 2, 0), undefined);
    assert.equal(one.takePlace('k', 2, 0), undefined);
    assert.equal(one.placesTaken('k', 0), 2);
    one.releasePlace(first as number);
    assert.notEqual(other.takePlace('k', 2, 0), undefined);
  });

  test('a thread that ended gives its places back', () => {
    const [one, other] = twoThreads();
    one.takePlace('k', 1, 0);
    assert.equal(other.takePlace('k', 1, 0), undefined);
    other.clearWorker(0);
    assert.notEqual(other.takePlace('k', 1, 0), undefined);
  });

  test('a flood of keys never takes a place away from one that is held', () => {
    const [keys] = twoThreads();
    assert.notEqual(keys.takePlace('held', 1, 0), undefined);
    for (let index = 0; index < 40_000; index += 1) keys.takeRate(`flood ${index}`, 1, 60_000, 0);
    assert.equal(keys.takePlace('held', 1, 0), undefined);
  });
});
