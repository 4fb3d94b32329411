/** A worker thread that is stuck or ends: replaced, its function kept off for a while, everyone else answered. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { serveFunctions, type FunctionUnderTest } from '../builders/serve-functions.ts';

const open = { open: {} };
const named = (name: string): FunctionUnderTest => ({
  name,
  code: `return function() return "${name}" end`,
  triggers: [{ name: 'web', http: { path: name, receiver: open } }],
});

/** Asks until it is answered: connections to a thread that ended break. */
async function answered(url: string): Promise<Response> {
  return await eventually('an answer', () => fetch(url, { headers: { connection: 'close' } }).catch(() => undefined));
}

suite('the watchdog', () => {
  for (const [fault, reason] of [
    ['stuckFunction', 'silent'],
    ['crashFunction', 'crashed'],
  ] as const) {
    test(`a thread that is ${reason} is replaced, the others answer, and the alarm counts it`, async () => {
      const served = await serveFunctions({
        settings: {
          workers: 2,
          fault: { [fault]: 'default/bad' },
          watchdog: { silenceMs: 300, quarantineMs: 60_000, standby: true },
        },
        functions: [named('good'), named('bad')],
      });
      try {
        assert.equal((await answered(`${served.url}/default/good`)).status, 200);
        const broken = fetch(`${served.url}/default/bad`, { headers: { connection: 'close' } }).then(
          (response) => response.status,
          () => 'reset',
        );
        const record = await served.record({ functionName: 'bad' }, ({ outcome }) => outcome === 'error');
        assert.match(record.detail ?? '', new RegExp(reason));
        assert.equal(await broken, 'reset');
        assert.equal(await served.metric(`worker_replacements_total{reason="${reason}"}`), 1);
        assert.ok(served.log.some(({ level, msg }) => level === 50 && String(msg).includes('default/bad')));

        const refused = await answered(`${served.url}/default/bad`);
        assert.equal(refused.status, 429);
        assert.ok(Number(refused.headers.get('retry-after')) > 1);
        while ((await served.metric('workers')) < 2)
          assert.equal((await answered(`${served.url}/default/good`)).status, 200);
        // The new thread serves the whole table and knows the quarantine.
        for (let index = 0; index < 10; index += 1) {
          assert.equal((await answered(`${served.url}/default/good`)).status, 200);
          assert.equal((await answered(`${served.url}/default/bad`)).status, 429);
        }
      } finally {
        await served.close();
      }
    });
  }

  test('the only worker comes back by itself', async () => {
    const served = await serveFunctions({
      settings: {
        fault: { stuckFunction: 'default/bad' },
        watchdog: { silenceMs: 300, quarantineMs: 60_000, standby: true },
      },
      functions: [named('good'), named('bad')],
    });
    try {
      await fetch(`${served.url}/default/bad`).catch(() => undefined);
      assert.equal((await answered(`${served.url}/default/good`)).status, 200);
      assert.equal((await answered(`${served.url}/default/bad`)).status, 429);
    } finally {
      await served.close();
    }
  });

  test('control: a function that computes without end is ended by its own limit, no thread is replaced', async () => {
    const served = await serveFunctions({
      settings: { watchdog: { silenceMs: 300, quarantineMs: 60_000, standby: true } },
      functions: [
        {
          ...named('busy'),
          code: 'return function() while true do end end',
          limits: { cpuTime: '1s', timeout: '30s' },
        },
      ],
    });
    try {
      assert.equal((await fetch(`${served.url}/default/busy`)).status, 500);
      assert.equal(await served.metric('worker_replacements_total{reason="silent"}'), 0);
    } finally {
      await served.close();
    }
  });
});
