import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createWaitingCounts } from './count-waiting.ts';

function askedStore() {
  const asked: PromiseWithResolvers<number>[] = [];
  return {
    asked,
    backlog() {
      const answer = Promise.withResolvers<number>();
      asked.push(answer);
      return answer.promise;
    },
  };
}

describe('how many deliveries wait', () => {
  test('is asked once, however many want to know at the same time', async () => {
    const store = askedStore();
    const counts = createWaitingCounts(store, 100, () => 0);
    const all = Promise.all([counts.of('a'), counts.of('a'), counts.of('a'), counts.of('b')]);
    assert.equal(store.asked.length, 2);
    store.asked[0]?.resolve(7);
    store.asked[1]?.resolve(1);
    assert.deepEqual(await all, [7, 7, 7, 1]);
    assert.equal(counts.of('a'), 8, 'what was accepted since is counted');
    assert.equal(store.asked.length, 2);
  });

  test('is asked anew after a second, by one, while the others have the old answer', async () => {
    let now = 0;
    const store = askedStore();
    const counts = createWaitingCounts(store, 100, () => now);
    const first = counts.of('a');
    store.asked[0]?.resolve(50);
    assert.equal(await first, 50);
    now = 1000;
    assert.deepEqual([counts.of('a'), counts.of('a')], [51, 52]);
    assert.equal(store.asked.length, 2);
    store.asked[1]?.resolve(3);
    await store.asked[1]?.promise;
    assert.equal(counts.of('a'), 4);
  });

  test('far below a large bound is not asked again before anybody could have filled the rest', async () => {
    let now = 0;
    const store = askedStore();
    const counts = createWaitingCounts(store, 1_000_000, () => now);
    const first = counts.of('a');
    store.asked[0]?.resolve(500_000);
    assert.equal(await first, 500_000);
    now = 9_000;
    assert.equal(counts.of('a'), 500_001);
    assert.equal(store.asked.length, 1, 'half a million more take ten seconds at least');
    now = 10_000;
    void counts.of('a');
    store.asked[1]?.resolve(999_000);
    await store.asked[1]?.promise;
    assert.equal(counts.of('a'), 999_001);
    now = 11_000;
    void counts.of('a');
    assert.equal(store.asked.length, 3, 'near the bound each second');
  });

  test('that cannot be answered is asked again by the next', async () => {
    let now = 0;
    const store = askedStore();
    const counts = createWaitingCounts(store, 100, () => now);
    const first = counts.of('a');
    store.asked[0]?.reject(new Error('the disk is gone'));
    await assert.rejects(async () => first, /the disk is gone/);
    const second = counts.of('a');
    store.asked[1]?.resolve(5);
    assert.equal(await second, 5);
    now = 1000;
    assert.equal(counts.of('a'), 6);
    store.asked[2]?.reject(new Error('the disk is gone'));
    await store.asked[2]?.promise.catch(() => undefined);
    const third = counts.of('a');
    store.asked[3]?.resolve(9);
    assert.equal(await third, 9, 'no old answer is believed for ever');
  });
});
