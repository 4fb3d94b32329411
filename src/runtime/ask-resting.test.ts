import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askResting } from './ask-resting.ts';
import type { Resting } from './why-resting.ts';

test('a thread that has ended or does not answer in time is left out, and the others are heard', async () => {
  const says = (resting: Resting) => ({ resting: () => Promise.resolve(resting) });
  const gone = { resting: () => Promise.reject(new Error('the thread has ended')) };
  const stuck = { resting: () => new Promise<never>(() => undefined) };
  let stopped = 0;
  const soon = (_milliseconds: number, callback: () => void) => {
    setImmediate(callback);
    return () => (stopped += 1);
  };
  const one = says({ reasons: { a: 'its rate' }, turns: [1] });
  const other = says({ reasons: { a: 'its rate' }, turns: [7] });
  assert.deepEqual(await askResting([gone, stuck, one, other], ['a'], soon), {
    reasons: { a: 'its rate' },
    turns: [1, 7],
  });
  assert.deepEqual(await askResting([gone, stuck], ['a'], soon), { reasons: {}, turns: [] });
  assert.equal(stopped, 2);
});
