/** Ten thousand hostile and good calls, mixed: every good one right, nothing left behind, memory steady. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isRight, rightAnswer, runStorm } from './storm.ts';

test('in a storm of mixed calls every good call is right and memory does not grow', async () => {
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as NonNullable<typeof globalThis.gc>;
  const report = await runStorm(10_000);
  assert.deepEqual(report.wrong.slice(0, 10), []);
  assert.ok(report.good > 4000, `${report.good} good calls`);
  for (const kind of ['error', 'cpu', 'memory', 'exit', 'ok']) {
    assert.ok(
      (report.hostile.get(kind) ?? 0) > 0,
      `control: hostile calls ended as ${kind}: ${JSON.stringify([...report.hostile])}`,
    );
  }
  assert.ok(report.loads > 30);
  // Memories of machines that met a bomb stay grown: there are two or three dozen of them, of a few MiB each.
  assert.ok(report.externalAfter < 256, `external ${report.externalBefore} → ${report.externalAfter} MiB`);
  const external = report.externalAfter - report.externalBefore;
  assert.ok(
    report.residentAfter - report.residentBefore - external < 60,
    `resident ${report.residentBefore} → ${report.residentAfter} MiB, of these external ${external} MiB`,
  );
});

test('control: an answer that is wrong, missing or of a second call on the same state is noticed', () => {
  const usage = { cpuMs: 0, memoryPeakBytes: 0, hostCalls: [], log: [], logTruncated: false };
  assert.equal(isRight({ kind: 'ok', values: [rightAnswer(5), 1], usage }, 5), true);
  assert.equal(isRight({ kind: 'ok', values: [rightAnswer(5), 2], usage }, 5), false);
  assert.equal(isRight({ kind: 'ok', values: [rightAnswer(6), 1], usage }, 5), false);
  assert.equal(isRight({ kind: 'cpu', error: { message: 'used more CPU time' }, usage }, 5), false);
});
