/** `ackAfter`: the sender's patience ends before the handler does. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

suite('ackAfter', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: { workers: 2 },
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
          triggers: [
            { name: 'web', http: { path: 'patient', receiver: { open: {} }, ackAfter: '150ms' } },
            {
              name: 'keyed',
              http: {
                path: 'keyed',
                receiver: { open: {} },
                ackAfter: '150ms',
                dedup: { key: 'event.request.headers["x-id"]', window: '1h' },
              },
            },
          ],
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

  test('a sender that repeats while the handler runs does not start it again, on whichever worker', async () => {
    const url = `${served.url}/default/keyed?s=2&n=d`;
    const send = (): Promise<Response> => fetch(url, { headers: { 'x-id': 'one', connection: 'close' } });
    const first = send();
    while ((await served.metric('function_inflight{namespace="default",function="patient"}')) === 0);
    const repeats = await Promise.all([send(), send(), send()]);
    assert.ok(repeats.every(({ ok }) => ok));
    assert.ok((await first).ok);
    await served.record({ trigger: 'keyed' }, ({ log }) => log?.[0]?.message === 'ended d');
    const records = await served.runtime.records.query({ trigger: 'keyed' });
    assert.deepEqual(records.map(({ outcome }) => outcome).sort(), ['duplicate', 'duplicate', 'duplicate', 'ok']);
  });

  test('a sender that repeats what was stored does not start it again, whether it was done or waits for its next attempt', async () => {
    const send = (id: string, n: string, fail = ''): Promise<Response> =>
      fetch(`${served.url}/default/keyed?s=0.5&n=${n}${fail}`, { headers: { 'x-id': id, connection: 'close' } });
    const first = await send('stored', 'e');
    await served.record({ id: first.headers.get('x-call-id') ?? '' }, ({ log }) => log?.[0]?.message === 'ended e');
    const of = first.headers.get('x-call-id') ?? '';
    // Until the call that ran has left, a repeat is told that it is being handled.
    const isRepeated = (key: string, n: string, by: string): Promise<true> =>
      eventually(`${key} is known`, async () => {
        const response = await send(key, n);
        assert.ok(response.ok);
        return response.headers.get('x-moonhook-duplicate-of') === by;
      });
    await isRepeated('stored', 'e', of);
    const failing = await send('failing', 'f', '&fail=1');
    const id = failing.headers.get('x-call-id') ?? '';
    await served.record({ id }, ({ outcome }) => outcome === 'error');
    await isRepeated('failing', 'f', id);
    await served.record({ id }, ({ attempt, outcome }) => attempt === 2 && outcome === 'ok');
    const records = await served.runtime.records.query({ trigger: 'keyed' });
    const ended = records.flatMap(({ log }) => log?.map(({ message }) => message) ?? []);
    assert.deepEqual(ended.filter((message) => message !== 'ended d').toSorted(), ['ended e', 'ended f', 'ended f']);
    assert.equal((await send('another', 'g')).headers.get('x-moonhook-duplicate-of'), null, 'control: a new one runs');
  });

  test('one that fails after its acknowledgement is tried again from the store', async () => {
    const response = await fetch(`${served.url}/default/patient?s=0.2&n=c&fail=1`);
    assert.ok(response.ok);
    const id = response.headers.get('x-call-id') ?? '';
    const again = await served.record({ id }, ({ attempt, outcome }) => attempt === 2 && outcome === 'ok');
    assert.equal(again.log?.[0]?.message, 'ended c');
  });
});

test('an event that cannot be stored is not acknowledged: its sender waits for the handler', async (t) => {
  const code = 'return function() sleep(0.4) return "in the end" end';
  const trigger = { name: 'web', http: { path: 'slow', receiver: { open: {} }, ackAfter: '50ms' } };
  const none = { waitingRows: 0, waitingBytes: 0, keyValueBytes: 0 };
  const served = await serveFunctions({
    functions: ['full', 'roomy'].map((namespace) => ({ name: 'slow', namespace, code, triggers: [trigger] })),
    policy: { quotas: { namespaces: { full: none } } },
  });
  t.after(() => served.close());
  const [full, roomy] = await Promise.all(['full', 'roomy'].map((name) => fetch(`${served.url}/${name}/slow`)));
  assert.deepEqual([full?.status, await full?.text()], [200, 'in the end']);
  assert.notEqual(await roomy?.text(), 'in the end', 'control: what is stored is acknowledged');
});
