import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBatches } from './postgres-batches.ts';

/** As PostgreSQL's errors: five letters say what it is. */
function failure(code: string): Error {
  return Object.assign(new Error(`failed with ${code}`), { code, severity: 'ERROR' });
}

function batches(run: (items: readonly number[]) => Promise<readonly number[]>, most = 100) {
  return createBatches<number, number>({ run, weigh: () => 1, most, now: () => performance.now() });
}

test('what is asked in one turn is written together, and each gets its own answer', async () => {
  const runs: (readonly number[])[] = [];
  const ask = batches(async (items) => {
    runs.push(items);
    return items.map((item) => item * 10);
  });
  assert.deepEqual(await Promise.all([ask(1), ask(2), ask(3)]), [10, 20, 30]);
  assert.deepEqual(runs, [[1, 2, 3]]);
});

test('while a batch is written the next one fills up, within its bound', async () => {
  const runs: (readonly number[])[] = [];
  const gate = Promise.withResolvers<void>();
  const ask = batches(async (items) => {
    runs.push(items);
    if (runs.length === 1) await gate.promise;
    return items;
  }, 2);
  const first = ask(0);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const rest = [1, 2, 3].map((item) => ask(item));
  gate.resolve();
  assert.deepEqual(await Promise.all([first, ...rest]), [0, 1, 2, 3]);
  assert.deepEqual(runs, [[0], [1, 2], [3]]);
});

test('one bad item fails alone, whatever its neighbours are', async () => {
  const ask = batches(async (items) => {
    if (items.includes(5)) throw failure('22021');
    return items;
  });
  const results = await Promise.allSettled(Array.from({ length: 16 }, (_, item) => ask(item)));
  assert.deepEqual(
    results.flatMap(({ status }, item) => (status === 'rejected' ? [item] : [])),
    [5],
  );
});

test('a deadlock is tried again, halved; nobody fails', async () => {
  let deadlocks = 0;
  const ask = batches(async (items) => {
    if (items.length > 2 || deadlocks < 3) {
      deadlocks++;
      throw failure('40P01');
    }
    return items;
  });
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map((item) => ask(item))), [1, 2, 3, 4]);
});

test('when the server is gone everybody is told, and nothing is tried a second time', async () => {
  let runs = 0;
  const ask = batches(async () => {
    runs++;
    throw new Error('Connection terminated unexpectedly');
  });
  const results = await Promise.allSettled([ask(1), ask(2), ask(3)]);
  assert.ok(results.every(({ status }) => status === 'rejected'));
  assert.equal(runs, 1);
});
