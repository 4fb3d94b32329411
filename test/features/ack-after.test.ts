/** `ackAfter`: the sender's patience ends before the handler does. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

suite('ackAfter', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      functions: [
        {
          name: 'patient',
          code: `return function(event)
            sleep(tonumber(event.request.query.s))
            log.info("ended " .. event.request.query.n)
            if event.request.query.fail and event.attempt == 1 then error("late failure") end
            return "in time"
          end`,
          retry: { schedule: ['10ms'] },
          triggers: [{ name: 'web', http: { path: 'patient', receiver: { open: {} }, ackAfter: '150ms' } }],
        },
      ],
    });
  });
  after(() => served.close());

  test('a handler that is quick enough answers itself', async () => {
    const response = await fetch(`${served.url}/default/patient?s=0.01&n=a`);
    assert.deepEqual([response.status, await response.text()], [200, 'in time']);
    assert.equal(await served.metric('deliveries{state="done"}'), 0);
  });

  test('a slow one is acknowledged, runs on to its end once, and is settled', async () => {
    const response = await fetch(`${served.url}/default/patient?s=0.5&n=b`);
    assert.ok(response.status === 200 || response.status === 202);
    assert.notEqual(await response.text(), 'in time');
    const id = response.headers.get('x-call-id') ?? '';
    const record = await served.record({ id }, ({ log }) => log?.[0]?.message === 'ended b');
    assert.equal(record.outcome, 'ok');
    assert.ok(record.durationMs >= 500);
    while ((await served.metric('deliveries{state="done"}')) < 1);
    const runs = (await served.runtime.records.query({ id })).filter(({ log }) => log !== undefined);
    assert.equal(runs.length, 1);
  });

  test('one that fails after its acknowledgement is tried again from the store', async () => {
    const response = await fetch(`${served.url}/default/patient?s=0.2&n=c&fail=1`);
    assert.ok(response.ok);
    const id = response.headers.get('x-call-id') ?? '';
    const again = await served.record({ id }, ({ attempt, outcome }) => attempt === 2 && outcome === 'ok');
    assert.equal(again.log?.[0]?.message, 'ended c');
  });
});
