import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNamespacePurge } from './purge-namespaces.ts';

const hour = 3_600_000;

/** A store with these namespaces, and a cluster with those of `present`. */
function setUp(stored: readonly string[], present: readonly string[]) {
  const state = { now: 0, stored: [...stored], present: new Set(present), known: true };
  const purged: string[] = [];
  const strange: number[] = [];
  const asked: (readonly string[])[] = [];
  const purge = createNamespacePurge({
    stored: async () => state.stored,
    async gone(uids) {
      asked.push(uids);
      return state.known ? uids.filter((uid) => !state.present.has(uid)) : undefined;
    },
    async purge(uid) {
      purged.push(uid);
    },
    now: () => state.now,
    restMs: hour,
    onPurge: () => undefined,
    onStrangeStore: (count) => strange.push(count),
  });
  return { state, purged, strange, asked, look: () => purge.look() };
}

test('a namespace that stays gone is purged once, and the others are left alone', async () => {
  const { state, purged, asked, look } = setUp(['a', 'b', 'c'], ['a', 'c']);
  for (const now of [0, hour / 2, hour - 1]) {
    state.now = now;
    await look();
    assert.deepEqual(purged, [], `${now}`);
  }
  for (const now of [hour, 2 * hour, 4 * hour]) {
    state.now = now;
    await look();
  }
  assert.deepEqual(purged, ['b']);
  assert.deepEqual(asked.at(-1), ['a', 'c'], 'what is being forgotten is not asked for again');
});

test('the time begins anew when it is there again, and stands still for nobody who cannot say', async () => {
  const { state, purged, look } = setUp(['a', 'b'], ['a']);
  await look();
  state.present.add('b');
  state.now = hour;
  await look();
  state.present.delete('b');
  await look();
  assert.deepEqual(purged, []);
  state.known = false;
  state.now = 3 * hour;
  await look();
  assert.deepEqual(purged, [], 'silence is no answer');
  state.known = true;
  await look();
  assert.deepEqual(purged, ['b']);
});

test('nothing is purged of a store none of whose namespaces is there: it belongs to another cluster', async () => {
  const { state, purged, strange, look } = setUp(['a', 'b'], ['z']);
  for (const now of [0, hour, 2 * hour]) {
    state.now = now;
    await look();
  }
  assert.deepEqual([purged, strange], [[], [2, 2, 2]]);
  // As soon as one of its own is there, it is this cluster's.
  state.stored.push('z');
  for (const now of [3 * hour, 4 * hour]) {
    state.now = now;
    await look();
  }
  assert.deepEqual(purged.toSorted(), ['a', 'b']);
});
