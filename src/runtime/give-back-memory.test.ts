import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { giveBackMemory } from './give-back-memory.ts';

const megabyte = 1024 * 1024;

function thread() {
  let look = (): void => assert.fail('nobody looks');
  const state = { usedBytes: 60 * megabyte, busyShare: 0, liveBytes: 50 * megabyte, collections: 0, stopped: false };
  const stop = giveBackMemory(
    {
      usedBytes: () => state.usedBytes,
      busyShare: () => state.busyShare,
      collect() {
        state.collections += 1;
        state.usedBytes = state.liveBytes;
      },
    },
    (_milliseconds, callback) => {
      look = callback;
      return () => (state.stopped = true);
    },
  );
  return {
    state,
    stop,
    look: () => look(),
    rest: (looks = 15) => {
      for (let count = 0; count < looks; count += 1) look();
    },
  };
}

describe('a thread gives memory back', () => {
  test('once, when it has become quiet after its start', () => {
    const { state, look } = thread();
    state.busyShare = 0.5;
    look();
    assert.equal(state.collections, 0, 'somebody may be waiting');
    state.busyShare = 0.01;
    look();
    look();
    assert.equal(state.collections, 1);
  });

  test('again when it has used more since, and not for little', () => {
    const { state, look, rest } = thread();
    look();
    state.usedBytes = state.liveBytes + 7 * megabyte;
    rest();
    assert.equal(state.collections, 1);
    state.usedBytes = state.liveBytes + 9 * megabyte;
    look();
    assert.equal(state.collections, 2);
  });

  test('after traffic only when it has rested for half a minute: the next request needs the compiled code', () => {
    const { state, look, rest } = thread();
    look();
    state.usedBytes = state.liveBytes + 9 * megabyte;
    state.busyShare = 0.5;
    look();
    state.busyShare = 0;
    rest(14);
    state.busyShare = 0.5;
    look();
    state.busyShare = 0;
    rest(14);
    assert.equal(state.collections, 1, 'each pause was shorter');
    look();
    assert.equal(state.collections, 2);
  });

  test('after traffic that came with its start, too, only when it has rested for half a minute', () => {
    const { state, look, rest } = thread();
    state.busyShare = 0.5;
    rest(5);
    state.busyShare = 0;
    rest(14);
    assert.equal(state.collections, 0);
    look();
    assert.equal(state.collections, 1);
  });

  test('until it is stopped, and never where the program may not collect', () => {
    const { state, stop } = thread();
    stop();
    assert.equal(state.stopped, true);
    giveBackMemory(undefined, () => assert.fail('nothing is to be done'))();
  });
});
