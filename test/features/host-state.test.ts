/** What outlives a call: key-value, cache, later, events; and calls of other functions. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { HostContext } from '../../src/host/types.ts';
import type { LaterItem, PublishedEvent } from '../../src/store/types.ts';
import { hostBench } from '../builders/host-engine.ts';

const bench = await hostBench();
after(async () => {
  assert.deepEqual(bench.defects, []);
  await bench.close();
});

/** Keeps what is handed on, besides handing it on. */
function recording(): {
  readonly context: Partial<HostContext>;
  readonly later: LaterItem[];
  readonly events: PublishedEvent[];
} {
  const later: LaterItem[] = [];
  const events: PublishedEvent[] = [];
  return {
    later,
    events,
    context: {
      later: {
        ...bench.context.later,
        enqueue: async (item) => {
          later.push(item);
          return bench.context.later.enqueue(item);
        },
      },
      events: {
        ...bench.context.events,
        publish: async (event) => {
          events.push(event);
          return bench.context.events.publish(event);
        },
      },
    },
  };
}

test('kv keeps kinds: integers, empty arrays, objects, null elements', async () => {
  assert.equal(
    await bench.value(
      `local v = { n = 9007199254740993, f = 0.5, a = json.array(), o = {}, l = { 1, json.null, "x" }, ["__proto__"] = { 1 } }
       assert(kv.set("v", v))
       local r = kv.get("v")
       assert(r.n == 9007199254740993 and r.f == 0.5 and r.l[2] == json.null and r["__proto__"][1] == 1)
       return json.encode(r.a) .. json.encode(r.o)`,
      { name: 'kinds' },
    ),
    '[]{}',
  );
});

test('spaces of functions, shared spaces and namespaces do not see each other', async () => {
  await bench.value('kv.set("k", "one") kv.shared("s").set("k", "shared")', { name: 'one' });
  const read = 'return tostring(kv.get("k")) .. " " .. tostring(kv.shared("s").get("k"))';
  assert.equal(await bench.value(read, { name: 'one' }), 'one shared');
  assert.equal(await bench.value(read, { name: 'two' }), 'nil shared');
  assert.equal(await bench.value(read, { name: 'one', namespace: 'team-b' }), 'nil nil');
  // A function cannot be named like a shared space, nor a shared space like a function.
  assert.equal(
    await bench.value('return kv.get("k")', { name: 'shared:s' }),
    'shared',
    'control: the names would collide',
  );
  assert.match(await bench.error('kv.shared("../one")', { name: 'x' }), /a name of 1 to 63/);
});

test('kv pages, counts, claims and compares', async () => {
  assert.equal(
    await bench.value(
      `for i = 1, 5 do kv.set("p:" .. i, i) end
       local keys, cursor = kv.list("p:", { limit = 3 })
       assert(#keys == 3 and cursor)
       local rest, last = kv.list("p:", { limit = 3, cursor = cursor })
       assert(#rest == 2 and rest[2] == "p:5" and last == nil)
       assert(kv.incr("n", -5) == -5)
       kv.set("text", "x")
       local value, err = kv.incr("text")
       assert(value == nil and err.message:find("something else"))
       assert(kv.cas("c", nil, { b = 1, a = 2 }) and kv.cas("c", { a = 2, b = 1 }, 7) and not kv.cas("c", nil, 8))
       return kv.get("c")`,
      { name: 'paging' },
    ),
    7,
  );
});

test('kv refuses bad keys, values and options at the line that gave them', async () => {
  for (const [body, message] of [
    ['kv.set("", 1)', /hook:2: bad argument #1 to 'set' \(a key of 1 to 512 bytes/],
    ['kv.set(("k"):rep(513), 1)', /a key of 1 to 512 bytes/],
    ['kv.set("k")', /bad argument #2 to 'set' \(value expected, got nil/],
    ['kv.set("k", "\\255")', /not valid UTF-8 \(byte 1; use base64\.encode/],
    ['kv.set("k", ("x"):rep(300000))', /longer than 262144 bytes/],
    ['kv.set("k", print)', /a function cannot be passed on/],
    ['kv.set("k", 1, { tll = 5 })', /unknown option "tll"; known are ttl/],
    ['kv.set("k", 1, -1)', /ttl must be a number of seconds/],
    ['kv.set("k", 1, 0)', /ttl must be above 0/],
    ['kv.list("", { limit = 0 })', /limit must be an integer from 1 to 1000/],
    ['kv.incr("k", 0.5)', /an integer expected/],
    ['local t = {} t.t = t kv.set("k", t)', /contains itself/],
  ] as const) {
    assert.match(await bench.error(body), message, body);
  }
});

test('the cache gives each call a copy and keeps nothing for nil or errors', async () => {
  assert.equal(
    await bench.value(
      `local n = 0
       local function load() n = n + 1 return { list = { n } } end
       local a = cache.get("k", { ttl = 60 }, load)
       a.list[1] = 99
       assert(cache.get("k", { ttl = 60 }, load).list[1] == 1 and n == 1)
       assert(cache.get("nothing", nil, function() end) == nil)
       local ok, err = pcall(cache.get, "bad", nil, function() error("no luck") end)
       assert(not ok and tostring(err):find("no luck"))
       assert(cache.get("bad", function() return "second time" end) == "second time")
       local kept, why = pcall(cache.get, "f", nil, function() return print end)
       assert(not kept and why:find("cache.get: what the loader gave cannot be kept: a function cannot be passed on", 1, true))
       local asked, ring = pcall(cache.get, "ring", nil, function() return cache.get("ring", nil, load) end)
       assert(not asked and ring:find('the loader of "ring" asks for its own key', 1, true))
       assert(cache.get("outer", nil, function() return cache.get("inner", nil, load).list[1] end) == 2)
       local given, odd = pcall(cache.get, "k", { tll = 60 }, load)
       assert(not given and odd:find('unknown option "tll"; known are ttl', 1, true))
       return cache.get("f", nil, function() return "free again" end)`,
      { name: 'caching' },
    ),
    'free again',
  );
});

test('of calls that miss at once one loads, and a killed loader does not block the next', async () => {
  assert.equal(
    await bench.value(
      `local loads = 0
       local function get() return cache.get("single", nil, function() loads = loads + 1 sleep(0.02) return loads end) end
       local a, b, c = parallel(get, get, get)
       return a .. b .. c .. loads`,
    ),
    '1111',
  );
  const killed = await bench.run('return function() cache.get("held", nil, function() while true do end end) end', {
    limits: { cpuMs: 30 },
  });
  assert.equal(killed.kind, 'cpu');
  assert.equal(await bench.value('return cache.get("held", nil, function() return "free" end)'), 'free');
});

test('later and events carry who, what and how far', async () => {
  const { context, later, events } = recording();
  await bench.run(
    `return { finish = function() end, default = function()
       assert(later("finish", { n = 1 }, { delay = 1.5, key = "k" }))
       assert(events.publish("com.acme.order.created", { total = 12 }, { subject = "order-1", channel = "eu", id = "e1" }))
     end }`,
    { name: 'sender' },
    { ...context, hops: 3, traceparent: '00-a-b-01' },
  );
  const { callId } = later[0] ?? {};
  assert.ok(callId);
  assert.deepEqual(
    { ...later[0], data: Buffer.from(later[0]?.data ?? []).toString() },
    {
      namespaceUid: 'uid-team-a',
      namespace: 'team-a',
      functionName: 'sender',
      callId,
      handler: 'finish',
      data: '{"n":1}',
      delayMs: 1500,
      hops: 3,
      budget: 100,
      key: 'k',
    },
  );
  assert.deepEqual(
    { ...events[0], data: Buffer.from(events[0]?.data ?? []).toString() },
    {
      namespaceUid: 'uid-team-a',
      namespace: 'team-a',
      callId,
      type: 'com.acme.order.created',
      source: '/team-a/sender',
      subject: 'order-1',
      channel: 'eu',
      id: 'e1',
      data: '{"total":12}',
      hops: 4,
      budget: 100,
      traceparent: '00-a-b-01',
    },
  );
});

test('types of the host and chains without end are refused', async () => {
  assert.match(await bench.error('events.publish("dev.moonhook.call.dead", {})'), /belongs to the host/);
  assert.match(await bench.error('events.publish("a b", {})'), /a type of letters/);
  assert.match(await bench.error('later("no-handler")'), /a handler's name expected/);
  assert.match(await bench.error('later("finsh", {})'), /the function has no handler "finsh"; it has default/);
  assert.match(await bench.error('later("default", nil, { delay = 1e12 })'), /delay must be a number of seconds/);
  const body = 'local id, err = events.publish("a.b", {}) return err and err.message';
  assert.match(await bench.text(body, {}, { hops: 8 }), /more than 8/);
  assert.equal(await bench.value(body, {}, { hops: 7 }), undefined);
});

test('call gives data, deadline and hops, and answers errors as values', async () => {
  const seen: unknown[] = [];
  const caller: HostContext['caller'] = {
    call: async (name, handler, data, remainingMs, hops) => {
      seen.push([name, handler, data, remainingMs > 0 && remainingMs <= 10_000, hops]);
      return name === 'other'
        ? { ok: true, status: 201, headers: { 'Content-Type': 'application/json' }, body: Buffer.from('{"a":[]}') }
        : { ok: false, message: 'there is no function "missing"', status: 404 };
    },
  };
  assert.equal(
    await bench.value(
      `local r = assert(call("other", { x = 1 }, { handler = "run" }))
       assert(r.status == 201 and r.headers["content-type"] == "application/json" and json.encode(r.json()) == '{"a":[]}')
       local none, err = call("missing")
       assert(none == nil and err.status == 404)
       return tostring(err)`,
      {},
      { caller, hops: 2 },
    ),
    'call missing: there is no function "missing"',
  );
  assert.deepEqual(seen, [
    ['other', 'run', new Map([['x', 1]]), true, 2],
    ['missing', undefined, undefined, true, 2],
  ]);
  assert.match(
    await bench.text('local r, err = call("other") return err.message', {}, { caller, hops: 8 }),
    /more than 8 calls/,
  );
  assert.match(await bench.error('call("Not A Name")'), /a function name expected/);
});

test('nothing that waits runs while a module loads or in an expression', async () => {
  for (const use of [
    'kv.get("k")',
    'http.get("http://x")',
    'sleep(1)',
    'later("h")',
    'time.now()',
    'uuid.v4()',
    'crypto.random(4)',
  ]) {
    await assert.rejects(bench.run(`local x = ${use}\nreturn function() end`), /at load time/, use);
  }
  const pure = await bench.run(
    'local d = crypto.sha256("x", "hex") local j = json.encode({ d }) return function() return #j end',
  );
  assert.equal(pure.kind === 'ok' && pure.values[0], 68);
});
