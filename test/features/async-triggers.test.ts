/** Asynchronous triggers: accepted before they run, repeated deliveries recognised, failures tried again or given up. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };
const secret = 'a secret that is long enough';

suite('asynchronous triggers', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      secrets: { 'github/secret': secret },
      functions: [
        {
          name: 'jobs',
          code: `
            return {
              push = function(event)
                log.info(event.name .. " " .. event.data.ref .. " " .. tostring(event.request.headers["x-hub-signature-256"]) .. tostring(event.request.headers.cookie))
                kv.set("seen", event.id)
              end,
              flaky = function(event)
                log.info("attempt " .. event.attempt)
                if event.attempt < 3 then error("not yet") end
              end,
              refused = function() return { status = 422 } end,
              gives_up = function() error(fail "no use") end,
              bad_filter = function() end,
              filtered = function() log.info("ran") end,
              starts = function(event) later("finish", { n = event.data.n }, { delay = 0.01 }) events.publish("com.jobs.started", { n = event.data.n }) end,
              finish = function(event) log.info("finished " .. event.data.n .. " " .. event.name) end,
              on_started = function(event) log.info("started " .. event.data.n .. " " .. event.type) end,
            }`,
          retry: { schedule: ['10ms', '10ms', '10ms'] },
          triggers: [
            {
              name: 'push',
              http: { path: 'push', receiver: { github: { secretRefs: [{ name: 'github', key: 'secret' }] } } },
            },
            { name: 'flaky', http: { path: 'flaky', mode: 'async', receiver: open } },
            { name: 'refused', http: { path: 'refused', mode: 'async', receiver: open } },
            { name: 'gives-up', http: { path: 'gives-up', mode: 'async', receiver: open } },
            {
              name: 'bad-filter',
              filter: 'event.data.missing.deep == 1',
              retry: { schedule: ['5ms'] },
              http: { path: 'bad-filter', mode: 'async', receiver: open },
            },
            {
              name: 'filtered',
              filter: 'event.data.wanted',
              http: { path: 'filtered', mode: 'async', receiver: open },
            },
            { name: 'starts', http: { path: 'starts', mode: 'async', receiver: open } },
            { name: 'on-started', event: { type: 'com.jobs.*' } },
          ],
        },
      ],
    });
  });
  after(() => served.close());

  const post = (path: string, data: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${served.url}/default/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(data),
    });
  const github = (delivery: string, data: unknown): Promise<Response> =>
    post('push', data, {
      'x-github-event': 'push',
      'x-github-delivery': delivery,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(JSON.stringify(data)).digest('hex')}`,
      cookie: 'session=1',
    });

  test('the event is acknowledged, then run from the store without the sender’s credentials', async () => {
    const response = await github('d-1', { ref: 'main' });
    assert.equal(response.status, 202);
    const accepted = await served.record({ id: 'd-1' }, ({ outcome }) => outcome === 'accepted');
    assert.equal(accepted.cpuMs, undefined);
    const ran = await served.record({ id: 'd-1' }, ({ outcome }) => outcome === 'ok');
    assert.deepEqual(
      ran.log?.map(({ message }) => message),
      ['push main nilnil'],
    );
    assert.equal(ran.eventId, accepted.eventId);
  });

  test('a sender without retries of its own repeats because a person wants it: it runs again', async () => {
    await github('d-2', { ref: 'two' });
    await served.record({ id: 'd-2' }, ({ outcome }) => outcome === 'ok');
    const again = await github('d-2', { ref: 'two' });
    assert.equal(again.status, 202);
    const records = await served.runtime.records.query({ id: 'd-2' });
    assert.ok(records.length >= 3);
  });

  test('an id that the signature does not cover and that comes with another body is a new event, and is counted', async () => {
    const reused = 'delivery_id_reuse_total{receiver="github"}';
    await github('d-3', { ref: 'three' });
    await github('d-3', { ref: 'three' });
    const before = await served.metric(reused);
    const changed = await github('d-3', { ref: 'changed' });
    assert.equal(changed.status, 202);
    const callId = changed.headers.get('x-call-id') ?? '';
    const record = await served.record({ id: callId }, ({ outcome }) => outcome === 'accepted');
    assert.match(record.steps?.map(({ detail }) => detail).join() ?? '', /came before with another body/);
    await served.record({ id: record.eventId ?? '' }, ({ outcome }) => outcome === 'ok');
    assert.equal((await served.metric(reused)) - before, 1);
  });

  test('a failed attempt is tried again by the schedule', async () => {
    const response = await post('flaky', {});
    const id = response.headers.get('x-call-id') ?? '';
    const done = await served.record({ id }, ({ outcome }) => outcome === 'ok');
    assert.equal(done.attempt, 3);
    const failed = (await served.runtime.records.query({ id })).filter(({ outcome }) => outcome === 'error');
    assert.equal(failed.length, 2);
    assert.ok(failed.every(({ nextAttempt }) => nextAttempt !== undefined));
  });

  test('a 4xx, `fail`, or a filter that keeps failing ends dead with a reason', async () => {
    for (const [path, reason] of [
      ['refused', /422/],
      ['gives-up', /no use/],
      ['bad-filter', /FilterError/],
    ] as const) {
      const response = await post(path, {});
      assert.equal(response.status, 202);
      const dead = await served.record(
        { id: response.headers.get('x-call-id') ?? '' },
        ({ outcome }) => outcome === 'dead',
      );
      assert.match(dead.detail ?? '', reason);
    }
    assert.equal(await served.metric('dead_letters'), 3);
  });

  test('what the filter turns away ends filtered, what it wants runs', async () => {
    const no = await post('filtered', { wanted: false });
    const filtered = await served.record(
      { id: no.headers.get('x-call-id') ?? '' },
      ({ outcome }) => outcome === 'filtered',
    );
    assert.equal(filtered.log, undefined);
    assert.deepEqual(filtered.steps, [
      { step: 'filter', ok: false, detail: "the trigger's filter turned the event away" },
    ]);
    const yes = await post('filtered', { wanted: true });
    const ran = await served.record({ id: yes.headers.get('x-call-id') ?? '' }, ({ outcome }) => outcome === 'ok');
    assert.equal(ran.log?.[0]?.message, 'ran');
  });

  test('`later` and published events of a run are delivered', async () => {
    await post('starts', { n: 7 });
    const finished = await served.record({}, ({ log }) => log?.[0]?.message === 'finished 7 later');
    assert.equal(finished.kind, 'later');
    const started = await served.record({}, ({ log }) => log?.[0]?.message === 'started 7 com.jobs.started');
    assert.equal(started.trigger, 'on-started');
  });

  test('a suspended function accepts and holds; it runs when it resumes', async () => {
    const held = {
      name: 'held',
      code: 'return function(event) log.info("ran " .. event.data.n) end',
      triggers: [
        { name: 'async', http: { path: 'held', mode: 'async', receiver: open } },
        { name: 'sync', http: { path: 'held-sync', receiver: open } },
      ],
    } as const;
    await served.serve({ ...held, suspend: true });
    assert.equal((await post('held', { n: 1 })).status, 202);
    const refused = await post('held-sync', {});
    assert.equal(refused.status, 503);
    assert.equal(((await refused.json()) as { code: string }).code, 'Suspended');
    assert.equal(await served.metric('deliveries{state="waiting"}'), 1);
    await served.serve(held);
    const ran = await served.record(
      { functionName: 'held' },
      ({ outcome, kind }) => outcome === 'ok' && kind === 'event',
    );
    assert.equal(ran.log?.[0]?.message, 'ran 1');
    assert.equal(await served.metric('events_conservation_gap'), 0);
  });

  test('events of a function that misses something it refers to are accepted and wait, and lose no attempt', async () => {
    const needy = {
      name: 'needy',
      code: 'return { default = function(event) log.info("ran " .. event.attempt) end }',
      triggers: [
        { name: 'async', http: { path: 'needy', mode: 'async', receiver: open } },
        { name: 'sync', http: { path: 'needy-sync', receiver: open } },
      ],
    } as const;
    const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'not-there', key: 'token' } } }];
    await served.serve({ ...needy, env });
    const before = await served.metric('deliveries{state="waiting"}');
    assert.equal((await post('needy', {})).status, 202);
    const active = await served.call('/async-function/default/needy', { method: 'POST' });
    assert.equal(active.status, 202);
    const refused = await post('needy-sync', {});
    assert.equal(refused.status, 503);
    assert.equal(((await refused.json()) as { code: string }).code, 'NotResolved');
    assert.equal(await served.metric('deliveries{state="waiting"}'), before + 2);
    await served.serve(needy);
    for (const kind of ['event', 'later'] as const) {
      const ran = await served.record(
        { functionName: 'needy' },
        (record) => record.outcome === 'ok' && record.kind === kind,
      );
      assert.equal(ran.log?.[0]?.message, 'ran 1');
    }
  });
});
