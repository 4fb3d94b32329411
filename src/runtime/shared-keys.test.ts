import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createSharedKeys, SharedKeys, type LimitedKey } from './shared-keys.ts';

function twoThreads(secret: Uint8Array = Buffer.alloc(32, 7)): [SharedKeys, SharedKeys] {
  const buffer = createSharedKeys(2, secret);
  return [new SharedKeys(buffer, 2, 0), new SharedKeys(buffer, 2, 1)];
}

function keyOf(key: string, namespaceUid = 'team-a', scope = 'orders'): LimitedKey {
  return { namespaceUid, scope, key };
}

/** Fills the table with keys that are all in use at time 0. */
function flood(keys: SharedKeys, keyAt: (index: number) => LimitedKey): void {
  for (let index = 0; index < 50_000; index += 1) keys.takeRate(keyAt(index), 1, 60_000, 0);
}

/** Of a hundred used-up keys of a namespace, how many let a call pass again. */
function forgotten(keys: SharedKeys, between: () => void, namespaceUid = 'team-a', scope = 'orders'): number {
  const own = Array.from({ length: 100 }, (_, index) => keyOf(`victim ${index}`, namespaceUid, scope));
  for (const key of own) assert.equal(keys.takeRate(key, 1, 60_000, 0).ok, true);
  between();
  return own.filter((key) => keys.takeRate(key, 1, 60_000, 0).ok).length;
}

suite('SharedKeys', () => {
  test('a rate lets a burst through, then one per step, over all threads', () => {
    const [one, other] = twoThreads();
    const taken = [one, other, one, other].map((keys) => keys.takeRate(keyOf('k'), 3, 3000, 10_000).ok);
    assert.deepEqual(taken, [true, true, true, false]);
    const refused = one.takeRate(keyOf('k'), 3, 3000, 10_000);
    assert.ok(!refused.ok && refused.retryAfterMs === 1000);
    assert.equal(other.takeRate(keyOf('k'), 3, 3000, 11_000).ok, true);
    assert.equal(one.takeRate(keyOf('k'), 3, 3000, 11_000).ok, false);
  });

  test('keys do not share a rate', () => {
    const [keys] = twoThreads();
    assert.equal(keys.takeRate(keyOf('a'), 1, 1000, 0).ok, true);
    assert.equal(keys.takeRate(keyOf('b'), 1, 1000, 0).ok, true);
    assert.equal(keys.takeRate(keyOf('a'), 1, 1000, 0).ok, false);
  });

  test('the allowance says how many would pass', () => {
    const [keys] = twoThreads();
    assert.equal(keys.rateAllowance(keyOf('k'), 5, 1000, 0), 5);
    keys.takeRate(keyOf('k'), 5, 1000, 0);
    keys.takeRate(keyOf('k'), 5, 1000, 0);
    assert.equal(keys.rateAllowance(keyOf('k'), 5, 1000, 0), 3);
    assert.equal(keys.rateAllowance(keyOf('k'), 5, 1000, 400), 5);
  });

  test('places are counted over all threads and come back', () => {
    const [one, other] = twoThreads();
    const first = one.takePlace(keyOf('k'), 2, 0);
    assert.notEqual(first, undefined);
    assert.notEqual(other.takePlace(keyOf('k'), 2, 0), undefined);
    assert.equal(one.takePlace(keyOf('k'), 2, 0), undefined);
    assert.equal(one.placesTaken(keyOf('k'), 0), 2);
    one.releasePlace(first as number);
    assert.notEqual(other.takePlace(keyOf('k'), 2, 0), undefined);
  });

  test('a burst waits for quiet, but not longer than maxWait from its first event, over all threads', () => {
    const [one, other] = twoThreads();
    const delays: number[] = [];
    // The event at 800 waits until 1000: the one that comes then begins the next burst.
    for (let now = 0; now <= 1000; now += 200) {
      delays.push((now % 400 === 0 ? one : other).quietDelay(keyOf('k'), 300, 1000, 10_000 + now));
    }
    assert.deepEqual(delays, [300, 300, 300, 300, 200, 300]);
    assert.equal(other.quietDelay(keyOf('k'), 300, 1000, 15_000), 300, 'the next burst begins anew');
    assert.equal(one.quietDelay(keyOf('other'), 300, undefined, 15_000), 300);
  });

  test('a thread that ended gives its places back', () => {
    const [one, other] = twoThreads();
    one.takePlace(keyOf('k'), 1, 0);
    assert.equal(other.takePlace(keyOf('k'), 1, 0), undefined);
    other.clearWorker(0);
    assert.notEqual(other.takePlace(keyOf('k'), 1, 0), undefined);
  });

  test('a flood of keys never takes a place away from one that is held', () => {
    const [keys] = twoThreads();
    assert.notEqual(keys.takePlace(keyOf('held'), 1, 0), undefined);
    for (let index = 0; index < 40_000; index += 1) keys.takeRate(keyOf(`flood ${index}`), 1, 60_000, 0);
    assert.equal(keys.takePlace(keyOf('held'), 1, 0), undefined);
  });

  test('a flood of keys of one namespace takes no rate away from another', () => {
    const [keys] = twoThreads();
    const gone = forgotten(keys, () => flood(keys, (index) => keyOf(`flood ${index}`, 'team-b', 'login')));
    assert.equal(gone, 0);
  });

  test('a flood of many scopes takes no rate away from another namespace either', () => {
    const [keys] = twoThreads();
    const gone = forgotten(keys, () => flood(keys, (index) => keyOf('', 'team-b', `trigger ${index}`)));
    assert.equal(gone, 0);
  });

  test('a flood of keys of one trigger takes no rate away from another of its namespace', () => {
    const [keys] = twoThreads();
    const gone = forgotten(keys, () => flood(keys, (index) => keyOf(`flood ${index}`, 'team-a', 'login')));
    assert.equal(gone, 0);
  });

  test('control: a flood does push out keys, those of its own trigger', () => {
    const [keys] = twoThreads();
    const gone = forgotten(keys, () => flood(keys, (index) => keyOf(`flood ${index}`)));
    assert.ok(gone > 10, String(gone));
  });

  test('where a key lies cannot be told without the secret of this start', () => {
    const crowd = (filler: number): readonly string[] => {
      const [keys] = twoThreads(Buffer.alloc(32, filler));
      const own = Array.from({ length: 36_000 }, (_, index) => `key ${index}`);
      for (const key of own) keys.takeRate(keyOf(key), 1, 60_000, 0);
      return own.slice(0, 200).filter((key) => keys.rateAllowance(keyOf(key), 1, 60_000, 0) === 0);
    };
    const one = crowd(1);
    assert.ok(one.length > 0 && one.length < 200, String(one.length));
    assert.deepEqual(crowd(1), one, 'control: the same secret, the same neighbours pushed out');
    assert.notDeepEqual(crowd(2), one);
  });

  test('a key keeps its entry when one before it becomes free', () => {
    const [keys] = twoThreads();
    for (let index = 0; index < 30_000; index += 1) keys.takeRate(keyOf(`early ${index}`, 'team-b'), 1, 1_000, 0);
    const own = Array.from({ length: 500 }, (_, index) => keyOf(`late ${index}`));
    for (const key of own) keys.takeRate(key, 1, 60_000, 0);
    // All of the early ones are free now: the late ones are still used up.
    assert.equal(own.filter((key) => keys.takeRate(key, 1, 60_000, 2_000).ok).length, 0);
  });
});
