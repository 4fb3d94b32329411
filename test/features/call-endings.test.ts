/** However a stored call ends without success, it is said: on the bus of its namespace, and to whoever asked to be called back. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { openStore } from '../../src/store/open-store.ts';
import { serveFunctions, type FunctionUnderTest, type ServedFunctions } from '../builders/serve-functions.ts';
import { startReceiver } from '../builders/webhook-receiver.ts';

const open = { open: {} };
const watcher: FunctionUnderTest = {
  name: 'watch',
  code: `return function(event)
    local d = event.data
    log.info(d["function"] .. " " .. d.reason .. " " .. tostring(d.trigger) .. " " .. tostring(d.attempts))
    if d.event.type == "com.fails.loudly" then error("the watcher fails, too") end
  end`,
  retry: { schedule: [] },
  triggers: [{ name: 'dead', event: { type: 'dev.moonhook.call.dead' } }],
};

async function start(
  t: TestContext,
  functions: readonly FunctionUnderTest[],
  more: Parameters<typeof serveFunctions>[0] = {},
): Promise<ServedFunctions> {
  const served = await serveFunctions({ functions: [...functions, watcher], ...more });
  t.after(() => served.close());
  return served;
}

const told = (served: ServedFunctions, start: string) =>
  served.record({ functionName: 'watch' }, ({ log }) => log?.[0]?.message.startsWith(start) === true);

test('a call that is given up is told on the bus; failures of those who are told raise nothing', async (t) => {
  const served = await start(t, [
    {
      name: 'bad',
      code: 'return { publish = function(e) assert(events.publish(e.data.type, {})) end, on = function() error("no") end }',
      retry: { schedule: ['5ms'] },
      triggers: [
        { name: 'publish', http: { path: 'publish', receiver: open } },
        { name: 'on', event: { type: 'com.fails.*' } },
      ],
    },
  ]);
  const publish = (type: string): Promise<Response> =>
    fetch(`${served.url}/default/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type }),
    });
  await publish('com.fails.quietly');
  await told(served, 'bad AttemptsExhausted on 2');
  await publish('com.fails.loudly');
  await served.record({ functionName: 'watch' }, ({ outcome }) => outcome === 'dead');
  assert.equal(await served.metric('dead_letters'), 3);
  // Two calls died, two were told; the watcher's own death was not.
  const records = await served.runtime.records.query({ functionName: 'watch', limit: 100 });
  assert.equal(records.length, 2);
});

test('a synchronous call that fails for good after its sender was acknowledged is told, too', async (t) => {
  const served = await start(t, [
    {
      name: 'late',
      code: 'return function() sleep(1.5) error(fail "too late") end',
      triggers: [{ name: 'web', http: { path: 'late', receiver: open, ackAfter: '100ms' } }],
    },
  ]);
  assert.ok((await fetch(`${served.url}/default/late`, { method: 'POST' })).ok);
  await told(served, 'late Failed web 1');
});

test('a call whose reads keep changing ends so, and is told', async (t) => {
  const served = await start(t, [
    {
      name: 'stubborn',
      code: `return function()
        local shared = kv.shared("s")
        shared.get("k")
        assert(call("bump"))
        shared.set("k", 0)
      end`,
      triggers: [{ name: 'go', http: { path: 'go', mode: 'async', receiver: open } }],
    },
    { name: 'bump', code: 'return function() kv.shared("s").incr("k") end' },
  ]);
  await fetch(`${served.url}/default/go`, { method: 'POST' });
  await told(served, 'stubborn KeyValueConflict go');
  assert.equal(await served.metric('dead_letters'), 1);
});

test('a call whose runtime died with it four times is not run again, is told, and its caller is called back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-lost-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'store.db');
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const first = await openStore({ path, onLost: (error) => assert.fail(error) });
  const destination = 'ns-default/poison/trigger:go';
  await first.connect().append([
    {
      event: {
        id: 'e1',
        namespaceUid: 'ns-default',
        type: 'com.x',
        source: '/',
        attributes: JSON.stringify({ callId: 'c1', callback: { url: `${receiver.url}/back`, destination } }),
        body: Buffer.from('{}'),
      },
      deliveries: [{ destination }],
    },
  ]);
  await first.close();
  const database = new DatabaseSync(path);
  database.exec('UPDATE deliveries SET crashes = 6');
  database.close();
  const store = await openStore({ path, onLost: (error) => assert.fail(error) });
  t.after(() => store.close());
  const { egress } = localPolicy('http://127.0.0.1:1', ['127.0.0.1']);
  const served = await start(
    t,
    [
      {
        name: 'poison',
        code: 'return function() log.info("must not run") end',
        triggers: [
          {
            name: 'go',
            http: {
              path: 'go',
              mode: 'async',
              receiver: open,
              callback: { secretRefs: [{ name: 'signing', key: 'first' }], urls: ['127.0.0.1'] },
            },
          },
        ],
      },
    ],
    { store, policy: { egress }, secrets: { 'signing/first': 'a secret that is long enough' } },
  );
  await told(served, 'poison RuntimeLost go');
  const [back] = await receiver.count('/back', 1);
  assert.equal(back?.headers['x-function-status'], '500');
  assert.equal((JSON.parse(back?.body ?? '{}') as { code: string }).code, 'RuntimeLost');
  const records = await served.runtime.records.query({ functionName: 'poison', limit: 10 });
  assert.deepEqual(
    records.flatMap(({ log }) => log ?? []),
    [],
  );
});

test('events of a deleted function wait for it, end when it stays away, and are told', async (t) => {
  const held: FunctionUnderTest = {
    name: 'held',
    suspend: true,
    code: 'return { default = function(event) log.info("ran " .. event.trigger) end }',
    triggers: [
      { name: 'one', http: { path: 'one', mode: 'async', receiver: open } },
      { name: 'two', http: { path: 'two', mode: 'async', receiver: open } },
    ],
  };
  const { asynchronous } = (await import('../../src/settings/runtime-settings.ts')).runtimeDefaults;
  const served = await start(t, [held], { settings: { asynchronous: { ...asynchronous, deletedMs: 2_000 } } });
  const post = (path: string): Promise<Response> => fetch(`${served.url}/default/${path}`, { method: 'POST' });
  // A trigger that goes takes its events with it, those of another wait on.
  for (const path of ['one', 'two']) assert.equal((await post(path)).status, 202);
  await served.serve({ ...held, triggers: held.triggers?.slice(1) ?? [] }, watcher);
  await told(served, 'held FunctionDeleted one');
  assert.equal(await served.metric('deliveries{state="waiting"}'), 1);
  // It comes back in time: its events run.
  await served.serve(watcher);
  await served.serve({ ...held, suspend: false }, watcher);
  const ran = await served.record({ functionName: 'held' }, ({ outcome }) => outcome === 'ok');
  assert.equal(ran.log?.[0]?.message, 'ran two');
  await served.serve(held, watcher);
  await post('one');
  await served.serve(watcher);
  const dead = await served.record(
    { functionName: 'held', trigger: 'one' },
    ({ outcome, time }) => outcome === 'dead' && time > ran.time,
  );
  assert.match(dead.detail ?? '', /^FunctionDeleted/);
  assert.equal(await served.metric('dead_letters'), 2);
  assert.equal(await served.metric('events_conservation_gap'), 0);
});

test('a function that cannot serve its new revision is told on the bus, once', async (t) => {
  const served = await start(t, [
    {
      name: 'page',
      code: 'return function(event) log.info(event.subject .. " " .. event.data.reason) end',
      triggers: [{ name: 'notready', event: { type: 'dev.moonhook.function.notready' } }],
    },
  ]);
  const page = [...served.runtime.table.functions.values()].find(({ name }) => name === 'page');
  assert.ok(page);
  const broken = { name: 'broken', code: 'return function( end' };
  const own: FunctionUnderTest = {
    name: 'page',
    code: page.code.code,
    triggers: [{ name: 'notready', event: { type: 'dev.moonhook.function.notready' } }],
  };
  await served.serve(own, broken);
  await served.serve(own, broken, watcher);
  const record = await served.record({ functionName: 'page' }, ({ outcome }) => outcome === 'ok');
  assert.match(record.log?.[0]?.message ?? '', /^broken /);
  assert.equal((await served.runtime.records.query({ functionName: 'page' })).length, 1);
});
