/** Code that never ends, in every place where a machine can loop, ends at its CPU limit and nothing in Lua can prevent it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { threadClock, withEngine } from '../builders/sandbox-engine.ts';
import { asHandler, asTopLevel, endlessFamilies } from './corpus/endless-loops.ts';

const cpuMs = 30;
/** How far a limit may be overrun here; the benchmark measures exactly. */
const slackMs = 100;
const limits = { cpuMs, timeoutMs: 20_000 };
const onThreadTime = { clock: threadClock };

for (const [family, scripts] of Object.entries(endlessFamilies)) {
  describe(`endless loops in ${family} end at the CPU limit`, () => {
    for (const script of scripts) {
      test(`${script.name}, in a call`, () =>
        withEngine(async ({ loadGood, checkNeighbour }) => {
          const attack = await loadGood(asHandler(script), { limits });
          const control = await attack.call([false], { limits: { cpuMs: 1000 } });
          assert.deepEqual(control.kind === 'ok' ? control.values : control, ['ended'], 'the control ends by itself');
          const result = await attack.call([true]);
          assert.equal(result.kind, 'cpu', JSON.stringify(result));
          assert.ok(result.usage.cpuMs >= cpuMs, `ended early: ${result.usage.cpuMs} ms`);
          assert.ok(result.usage.cpuMs <= cpuMs + slackMs, `ended late: ${result.usage.cpuMs} ms`);
          await checkNeighbour();
        }, onThreadTime));

      if (script.callOnly === true) continue;

      test(`${script.name}, while loading`, () =>
        withEngine(async ({ load, checkNeighbour }) => {
          const control = await load(asTopLevel(script, false));
          assert.equal(control.result.ok, true, JSON.stringify(control.result));
          const started = threadClock();
          const attack = await load(asTopLevel(script, true), { limits });
          const took = threadClock() - started;
          assert.equal(attack.result.ok, false);
          assert.equal(attack.result.mistakes[0]?.kind, 'cpu', JSON.stringify(attack.result));
          assert.ok(took <= cpuMs + 3 * slackMs, `loading took ${took} ms`);
          await checkNeighbour();
        }, onThreadTime));
    }
  });
}
