import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTryRuns, type TryNetwork, type TryRun } from './try-run.ts';

function start() {
  const started: TryNetwork[] = [];
  const ended: number[] = [];
  const warmed: string[] = [];
  let fail = false;
  let timer: { readonly milliseconds: number; readonly callback: () => void } | undefined;
  const runs = createTryRuns({
    after: (milliseconds, callback) => {
      const own = { milliseconds, callback };
      timer = own;
      return () => {
        if (timer === own) timer = undefined;
      };
    },
    warmUp: async ({ folder }) => void warmed.push(folder),
    start: async (network) => {
      started.push(network);
      const number = started.length;
      if (fail) throw new Error('no room');
      return { folder: `run ${number}`, end: async () => void ended.push(number) } as unknown as TryRun;
    },
  });
  return {
    runs,
    started,
    ended,
    warmed,
    failFromNow: (on: boolean) => (fail = on),
    waitsFor: () => timer?.milliseconds,
    ring: () => timer?.callback(),
  };
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('one run is ready for whoever writes, is used once, and the next is made when the try is over', async () => {
  const { runs, started, ended } = start();
  runs.expect();
  runs.expect();
  assert.deepEqual(started, ['table']);
  const first = await runs.take('table');
  assert.equal(first.folder, 'run 1');
  assert.deepEqual(started, ['table']);
  await first.end();
  await settled();
  assert.deepEqual(ended, [1]);
  assert.deepEqual(started, ['table', 'table']);
  assert.equal((await runs.take('table')).folder, 'run 2');
});

test('a try with another network does not get the run that is ready, and the next one fits it', async () => {
  const { runs, started, ended, warmed } = start();
  runs.expect();
  const live = await runs.take('live');
  assert.equal(live.folder, 'run 2');
  // Only what is made ahead is worth it.
  assert.deepEqual(warmed, ['run 1']);
  await live.end();
  await settled();
  assert.deepEqual(started, ['table', 'live', 'live']);
  assert.deepEqual(
    ended.toSorted((one, other) => one - other),
    [1, 2],
  );
});

test('nothing is kept ready for nobody: after a while without a sign, and soon after the last page was closed', async () => {
  const { runs, ended, waitsFor, ring } = start();
  const [leave, leaveToo] = [runs.enter(), runs.enter()];
  runs.expect();
  assert.equal(waitsFor(), 300_000);
  leave();
  leave();
  assert.equal(waitsFor(), 300_000);
  leaveToo();
  assert.equal(waitsFor(), 10_000);
  ring();
  await settled();
  assert.deepEqual(ended, [1]);
  runs.expect();
  assert.equal((await runs.take('table')).folder, 'run 2');
});

test('a run that could not be made ahead is tried once more and told of; closing ends what is ready', async () => {
  const { runs, started, ended, failFromNow } = start();
  failFromNow(true);
  runs.expect();
  await settled();
  await assert.rejects(runs.take('table'), /no room/);
  assert.equal(started.length, 2);
  failFromNow(false);
  runs.expect();
  await runs.close();
  assert.deepEqual(ended, [3]);
  runs.expect();
  assert.equal(started.length, 3);
});
