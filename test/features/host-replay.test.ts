/** A record of a call replays to the same bytes: with every host function, without the world they answered from. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createCatalogue, listEntries } from '../../src/host/catalogue.ts';
import type { HostContext } from '../../src/host/types.ts';
import type { JournalRecord } from '../../src/lua/journal.ts';
import type { CallResult } from '../../src/lua/types.ts';
import { hostBench, localEgress, upstream, type HostBench } from '../builders/host-engine.ts';
import { load, program, type CallParts } from '../builders/lua-program.ts';

const server = await upstream();
const { port } = server;
const env = { API: server.url, CHANNEL: '#ops' };
const world = await hostBench({
  egress: localEgress([`127.0.0.1:${port}`]),
  caller: async (name, data) =>
    name === 'greeter' && data instanceof Map
      ? { ok: true, status: 200, headers: {}, body: Buffer.from(JSON.stringify({ hello: data.get('name') })) }
      : { ok: false, message: 'missing', status: 404 },
});
/** Elsewhere and at another time: its clock stands far away, and whoever asks its store, its caches or a network fails. */
const laptop = await hostBench({ now: () => 5, clock: () => performance.now() + 1e6 });
const touched: string[] = [];
const nothing = (name: string): never =>
  new Proxy({} as never, {
    get: (_, property) => {
      touched.push(`${name}.${String(property)}`);
      throw new Error(`${name} was asked for ${String(property)}`);
    },
  });
const nowhere: HostContext = {
  ...laptop.context,
  outbound: nothing('outbound'),
  keyValue: nothing('keyValue'),
  later: nothing('later'),
  events: nothing('events'),
  caller: nothing('caller'),
  cache: nothing('cache'),
  kubernetes: nothing('kubernetes'),
};
after(async () => {
  assert.deepEqual(world.defects, []);
  await world.close();
  await laptop.close();
  await server.close();
});

interface Kept {
  readonly code: string;
  readonly name: string;
}

async function run(
  bench: HostBench,
  { code, name }: Kept,
  parts: CallParts<HostContext>,
  context = bench.context,
): Promise<CallResult> {
  const made = program(code, { name, env, limits: { cpuMs: 5000 } });
  const loaded = await load(bench.engine, made, context);
  assert.ok(loaded.result.ok, JSON.stringify(loaded.result));
  const result = await loaded.call([{ name: 'test', id: 'event-1' }], parts);
  bench.engine.unload(made.revision);
  return result;
}

async function record(kept: Kept): Promise<{ readonly result: CallResult; readonly journal: JournalRecord }> {
  const result = await run(world, kept, { record: true });
  const { journal } = result.usage;
  assert.ok(journal !== undefined);
  return { result, journal };
}

/** All of a result but how much of the machine it took. */
const comparable = ({ usage, ...result }: CallResult): unknown => ({
  ...result,
  log: usage.log,
  hostCalls: usage.hostCalls.map((told) => JSON.stringify(told)).toSorted(),
});

for (const entry of listEntries(createCatalogue())) {
  test(`the example of ${entry.name} replays`, async () => {
    const kept = { code: entry.example, name: entry.name.replaceAll(/[._]/g, '-') };
    const { result, journal } = await record(kept);
    const replayed = await run(laptop, kept, { replay: journal }, nowhere);
    assert.deepEqual(comparable(replayed), comparable(result));
    assert.deepEqual([touched, laptop.defects], [[], []]);
  });
}

/** Returns all that a call can learn; `before` stands in front. */
const learning = (before: string): string => `return function(event)
  ${before}
  local order = {}
  local function fetch(path) return function() local r = assert(http.get(env.API .. path)) order[#order + 1] = r.json().path return r.status end end
  local one, two, three = parallel(fetch("/a"), fetch("/b"), fetch("/c"))
  local down, problem = http.get("http://127.0.0.1:1/")
  kv.set("k", { n = 1 })
  local list = {}
  for key in pairs({ a = 1, b = 2, [event] = 3, [print] = 4 }) do list[#list + 1] = tostring(key) end
  log.info("learned", { at = time.now() })
  return {
    order = order, statuses = { one, two, three }, down = tostring(down), problem = tostring(problem),
    now = time.now(), date = os.date(), clock = os.clock(), random = math.random(1 << 50),
    bytes = crypto.random(16, "hex"), v4 = uuid.v4(), v7 = uuid.v7(), kv = kv.get("k"), count = kv.incr("n"),
    cached = cache.get("c", function() return time.now() + math.random() end),
    later = later("default", { 1 }, { delay = 3600 }), published = events.publish("com.acme.tried", { 1 }),
    called = call("greeter", { name = "Ada" }).json(), cluster = tostring(select(2, k8s.get("v1", "Pod", "p"))),
    env = env.CHANNEL, keys = list, address = tostring(order),
  }
end`;
const ways = { plain: '', 'in slices': 'local till = os.clock() + 0.04 repeat until os.clock() > till' };

for (const [way, before] of Object.entries(ways)) {
  test(`all that a call learns is there again, ${way}`, async () => {
    const kept = { code: learning(before), name: 'learns' };
    const { result, journal } = await record(kept);
    assert.equal(result.kind, 'ok', JSON.stringify(comparable(result)));
    for (const once of ['first', 'again']) {
      const replayed = await run(laptop, kept, { replay: journal }, nowhere);
      assert.deepEqual(comparable(replayed), comparable(result), once);
    }
    assert.deepEqual([touched, laptop.defects], [[], []]);
  });
}

test('control: without the record the world is missed, and with another one the answer differs', async () => {
  const kept = { code: learning(''), name: 'learns' };
  const { result, journal } = await record(kept);
  assert.equal((await run(laptop, kept, {}, nowhere)).kind, 'error');
  assert.ok(touched.length > 0);
  touched.length = 0;
  const readings = journal.readings.map((reading) => (typeof reading === 'number' ? reading + 1 : reading));
  const other = await run(laptop, kept, { replay: { ...journal, readings } }, nowhere);
  assert.notDeepEqual(comparable(other), comparable(result));
});
