/** One call that publishes to very many listeners: everybody gets every event once, though few rows are written together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostAtOnce } from '../../src/delivery/fan-out.ts';
import { eventually } from '../builders/eventually.ts';
import { serveFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };
const [functions, triggers, events] = [12, 25, 5];
const listeners = functions * triggers;

test('a call that publishes to more than may be stored together reaches all of them once', async (t) => {
  assert.ok(listeners < mostAtOnce && listeners * events > mostAtOnce, 'each event alone is no fan-out');
  const name = (index: number): string => `t${index}`;
  const served = await serveFunctions({
    settings: { workers: 1 },
    functions: [
      ...Array.from({ length: functions }, (_, index) => ({
        name: `listener-${index}`,
        code: 'return { default = function() end }',
        triggers: Array.from({ length: triggers }, (_trigger, each) => ({
          name: name(each),
          event: { type: 'com.x' },
        })),
      })),
      {
        name: 'bomb',
        code: `return function() for i = 1, ${events} do assert(events.publish("com.x", { n = i })) end end`,
        triggers: [{ name: 'web', http: { path: 'bomb', mode: 'async', receiver: open } }],
      },
    ],
  });
  t.after(() => served.close());
  assert.equal((await fetch(`${served.url}/default/bomb`, { method: 'POST' })).status, 202);
  const ran = async (index: number, each: number): Promise<number> => {
    const labels = `namespace="default",function="listener-${index}",trigger="${name(each)}",outcome="ok"`;
    return served.metric(`function_invocations_total{${labels}}`);
  };
  const done = (): Promise<number> => served.metric('deliveries{state="done"}');
  // The call itself, its events for each listener, and one row for each event that found no room.
  const rows = 1 + listeners * events + (events - Math.floor(mostAtOnce / listeners));
  await eventually('all have run', async () => (await done()) === rows, done);
  for (const index of [0, 3, functions - 1]) assert.equal(await ran(index, 7), events, `function ${index}`);
});
