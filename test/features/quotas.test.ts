/** Quotas of a namespace as functions and senders meet them: told what is used up and what to do, and nobody else is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { serveFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };
const limited = {
  waitingRows: 4,
  waitingBytes: 1_000_000,
  keyValueBytes: 20_000,
};

test('a function that stores more than its namespace may is told so, and another namespace is not', async (t) => {
  const code = `
    local text = ("x"):rep(15000)
    local function told(value, err) return value == nil and err.message or "no error" end
    return {
      fill = function()
        local first = kv.set("a", text)
        return { first = first, set = told(kv.set("b", text)), add = told(kv.add("c", text)), cas = told(kv.cas("d", nil, text)),
          incr = kv.incr("n"), same = kv.set("a", text), gone = kv.delete("a"), again = kv.set("b", text) }
      end,
      put_off = function()
        for i = 1, 4 do assert(later("nothing", nil, { delay = 3600 })) end
        return { later = told(later("nothing", nil, { delay = 3600 })) }
      end,
      nothing = function() end,
    }`;
  const triggers = ['fill', 'put-off'].map((name) => ({ name, http: { path: name, receiver: open } }));
  const served = await serveFunctions({
    functions: [
      { name: 'greedy', namespace: 'team-a', code, triggers },
      { name: 'greedy', namespace: 'team-b', code, triggers },
    ],
    policy: { quotas: { namespaces: { 'team-a': limited } } },
  });
  t.after(() => served.close());
  const ask = async (path: string): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${served.url}/${path}`);
    const body = (await answer.json()) as Record<string, unknown>;
    assert.equal(answer.status, 200, JSON.stringify(body));
    return body;
  };
  const { set, add, cas, ...rest } = await ask('team-a/fill');
  assert.match(String(set), /^kv\.set: the namespace has used up its quota keyValueBytes: .* above 20000; delete keys/);
  assert.match(String(add), /^kv\.add: the namespace has used up its quota keyValueBytes/);
  assert.match(String(cas), /^kv\.cas: the namespace has used up its quota keyValueBytes/);
  assert.deepEqual(rest, { first: true, incr: 1, same: true, gone: true, again: true });
  assert.match(
    String((await ask('team-a/put-off'))['later']),
    /^later: the namespace has used up its quota waitingRows: 4 /,
  );
  assert.equal((await ask('team-b/fill'))['set'], 'no error');
  assert.equal((await ask('team-b/put-off'))['later'], 'no error');
});

test('senders of a namespace whose deliveries are used up get 429, and its attempts end with a reason', async (t) => {
  const code = `
    return {
      waits = function() end,
      spreads = function()
        for i = 1, 5 do later("waits", nil, { delay = 3600 }) end
        kv.set("spread", true)
      end,
      call = function() end,
    }`;
  const triggers = [
    { name: 'waits', http: { path: 'waits', mode: 'async' as const, receiver: open } },
    { name: 'spreads', http: { path: 'spreads', mode: 'async' as const, receiver: open } },
  ];
  const served = await serveFunctions({
    functions: [
      { name: 'jobs', namespace: 'team-a', code, triggers, retry: { schedule: ['5ms'] } },
      {
        name: 'idle',
        namespace: 'team-a',
        code,
        suspend: true,
        triggers: [{ ...triggers[0], name: 'waits', http: { path: 'idle', mode: 'async', receiver: open } }],
      },
      { name: 'jobs', namespace: 'team-b', code, triggers },
    ],
    policy: { quotas: { namespaces: { 'team-a': limited } } },
  });
  t.after(() => served.close());
  const post = (path: string): Promise<Response> => fetch(`${served.url}/${path}`, { method: 'POST', body: '{}' });

  assert.equal((await post('team-a/spreads')).status, 202);
  const dead = await served.record({ outcomes: ['dead'] });
  assert.equal(dead.code, 'QuotaExceeded');
  assert.match(dead.detail ?? '', /quota waitingRows/);
  assert.equal(dead.attempt, 2, 'it was tried again first');

  for (let index = 0; index < 4; index += 1) assert.equal((await post('team-a/idle')).status, 202);
  const refused = await post('team-a/waits');
  const problem = (await refused.json()) as { code: string };
  assert.deepEqual([refused.status, problem.code], [429, 'QuotaExceeded']);
  assert.equal(refused.headers.get('retry-after'), '30');
  const record = await served.record({ namespace: 'team-a', outcomes: ['overloaded'] });
  assert.match(record.detail ?? '', /quota waitingRows: 4 deliveries wait, 1 more would be above 4; wait/);
  const active = await served.call('/async-function/team-a/jobs', { method: 'POST', body: '{}' });
  assert.equal(active.status, 429);
  assert.equal((await post('team-b/waits')).status, 202);
});

test('a namespace whose calls wait in more memory than it may is asked to come again, until its policy allows more', async (t) => {
  const code = 'return { wait = function() sleep(30) end, quick = function() return "here" end }';
  const triggers = ['wait', 'quick'].map((name) => ({ name, http: { path: name, receiver: open } }));
  const served = await serveFunctions({
    functions: ['team-a', 'team-b'].map((namespace) => ({ name: 'sleepy', namespace, code, triggers })),
    policy: { quotas: { namespaces: { 'team-a': { parkedBytes: 128 * 1024 } } } },
  });
  t.after(() => served.close());
  const leave = new AbortController();
  t.after(() => leave.abort());
  const wait = (namespace: string): void =>
    void fetch(`${served.url}/${namespace}/wait`, { signal: leave.signal }).catch(() => undefined);
  const quick = async (namespace: string): Promise<Response> => fetch(`${served.url}/${namespace}/quick`);
  for (const namespace of ['team-a', 'team-a', 'team-b', 'team-b', 'team-b']) wait(namespace);
  const refused = await eventually('a refusal', async () => {
    const answer = await quick('team-a');
    return answer.status === 200 ? undefined : answer;
  });
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  assert.match(await refused.text(), /Overloaded/);
  assert.equal((await quick('team-b')).status, 200, 'control: another namespace is answered');
  await served.runtime.setPolicy({ ...served.policy, quotas: { namespaces: {} } });
  // Each thread hears of it by itself.
  await eventually('an answer', async () => (await quick('team-a')).status === 200);
});

test('values on their way to the store count against what a namespace may hold outside Lua, until they are there', async (t) => {
  const code = `
    local text = ("x"):rep(200000)
    return {
      at_once = function()
        local sets = {}
        for i = 1, 4 do sets[i] = function() return kv.set("k" .. i, text) end end
        parallel(table.unpack(sets))
        return "kept"
      end,
      in_turn = function()
        for i = 1, 4 do assert(kv.set("k" .. i, text)) end
        return "kept"
      end,
    }`;
  const triggers = ['at-once', 'in-turn'].map((name) => ({ name, http: { path: name, receiver: open } }));
  const served = await serveFunctions({
    settings: { workers: 1 },
    functions: ['team-a', 'team-b'].map((namespace) => ({ name: 'greedy', namespace, code, triggers })),
    policy: { quotas: { namespaces: { 'team-a': { hostBytes: 500_000 } } } },
  });
  t.after(() => served.close());
  const ask = async (path: string): Promise<string> => {
    const answer = await fetch(`${served.url}/${path}`);
    return `${answer.status} ${await answer.text()}`;
  };
  assert.match(await ask('team-a/at-once'), /^500 .*"MemoryExceeded"/);
  assert.equal(await ask('team-a/in-turn'), '200 kept', 'each is given back when the store has answered');
  assert.equal(await ask('team-b/at-once'), '200 kept', 'control: another namespace is not bounded');
});

test('what an asynchronous call writes counts against its memory until it ends: it is kept for the settle', async (t) => {
  const code = `
    local text = ("x"):rep(200000)
    return {
      values = function() for i = 1, 4 do kv.set("k" .. i, text) end end,
      puts_off = function() for i = 1, 4 do later("nothing", text, { delay = 3600 }) end end,
      publishes = function() for i = 1, 4 do events.publish("com.acme.large", text) end end,
      once = function() kv.set("once", text) end,
      nothing = function() end,
    }`;
  const names = ['values', 'puts-off', 'publishes', 'once'];
  const triggers = names.map((name) => ({ name, http: { path: name, mode: 'async' as const, receiver: open } }));
  const retry = { schedule: [] };
  const served = await serveFunctions({
    settings: { workers: 1 },
    functions: ['team-a', 'team-b'].map((namespace) => ({ name: 'greedy', namespace, code, triggers, retry })),
    policy: { quotas: { namespaces: { 'team-a': { hostBytes: 500_000 } } } },
  });
  t.after(() => served.close());
  const end = async (namespace: string, path: string): Promise<string> => {
    assert.equal((await fetch(`${served.url}/${namespace}/${path}`, { method: 'POST' })).status, 202);
    const { outcome, detail } = await served.record({ namespace, trigger: path, outcomes: ['ok', 'dead'] });
    return `${outcome} ${detail ?? ''}`;
  };
  for (const path of names.slice(0, 3)) assert.match(await end('team-a', path), /^dead .*\(quota hostBytes\)/, path);
  assert.match(await end('team-a', 'once'), /^ok/);
  for (const path of names) assert.match(await end('team-b', path), /^ok/, `control: ${path} elsewhere`);
});

test('what an asynchronous call reads of values counts against its memory until it ends: it is kept to be compared', async (t) => {
  const code = `
    local text = ("x"):rep(250000)
    return {
      fill = function() for i = 1, 8 do kv.set("k" .. i, text) end end,
      gets = function() for i = 1, 8 do assert(kv.get("k" .. i)) end end,
      increments = function() for i = 1, 8 do kv.incr("k" .. i) end end,
      compares = function() for i = 1, 8 do kv.cas("k" .. i, "other", "new") end end,
      again = function() for i = 1, 8 do assert(kv.get("k1")) end end,
      answers = function() for i = 1, 8 do assert(kv.get("k" .. i)) end return "read" end,
    }`;
  const reads = ['gets', 'increments', 'compares'];
  const served = await serveFunctions({
    settings: { workers: 1 },
    functions: ['team-a', 'team-b'].map((namespace) => ({
      name: 'reader',
      namespace,
      code,
      retry: { schedule: [] },
      triggers: [
        ...['fill', 'answers'].map((name) => ({ name, http: { path: name, receiver: open } })),
        ...[...reads, 'again'].map((name) => ({ name, http: { path: name, mode: 'async' as const, receiver: open } })),
      ],
    })),
    policy: { quotas: { namespaces: { 'team-a': { hostBytes: 3_600_000 } } } },
  });
  t.after(() => served.close());
  const ask = async (path: string): Promise<number> =>
    (await fetch(`${served.url}/${path}`, { method: 'POST' })).status;
  const end = async (namespace: string, path: string): Promise<string> => {
    assert.equal(await ask(`${namespace}/${path}`), 202);
    const { outcome, detail } = await served.record({ namespace, trigger: path, outcomes: ['ok', 'dead'] });
    return `${outcome} ${detail ?? ''}`;
  };
  for (const namespace of ['team-a', 'team-b']) assert.equal(await ask(`${namespace}/fill`), 204);
  for (const path of reads) assert.match(await end('team-a', path), /^dead .*\(quota hostBytes\)/, path);
  assert.match(await end('team-a', 'again'), /^ok/, 'one value is kept once, however often it is read');
  assert.equal(await ask('team-a/answers'), 200, 'a synchronous call keeps nothing of them');
  for (const path of reads) assert.match(await end('team-b', path), /^ok/, `control: ${path} elsewhere`);
});
