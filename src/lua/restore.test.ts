/** What a restore leaves out is as it was: memory is compared byte for byte with that of an engine in which nothing has run. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { Gate, meteredLua, testLimits, valuesOf } from '../../test/builders/test-engine.ts';
import type { Call } from './call.ts';
import { createEngine } from './engine.ts';
import type { Engine, ProgramImage } from './engine-contract.ts';
import { heapBase, lowEnd, lowStart, stillStart } from './layout.ts';
import type { Machine } from './machine.ts';
import type { CallRequest, CallResult, HostFunction } from './types.ts';

interface Watched {
  readonly engine: Engine;
  readonly gate: Gate;
  /** The machine in which `test.look` was called last, and a digest of its memory. */
  readonly seen: { machine: Machine | undefined; digest: string };
  call(revision: string, extra?: Partial<CallRequest>): CallResult | Promise<CallResult>;
}

/** Everything an image consists of: data of the binary, what stands still, the heap. */
function digestOf({ views }: Machine, { program }: Call): string {
  const { loaded } = program.base;
  const end = Math.max(loaded.heapEnd, program.heapEnd);
  const hash = createHash('sha256').update(views.u8.subarray(lowStart, lowEnd));
  hash.update(views.u8.subarray(stillStart, stillStart + loaded.still.length));
  return hash.update(views.u8.subarray(heapBase, end)).digest('hex');
}

async function watchedEngine(): Promise<Watched> {
  const gate = new Gate();
  const seen: Watched['seen'] = { machine: undefined, digest: '' };
  const functions: HostFunction[] = [
    { kind: 'waiting', name: 'gate.wait', atLoad: false, run: (args) => gate.wait(args.text(1)) },
    {
      kind: 'direct',
      name: 'test.look',
      atLoad: false,
      run(_, call) {
        const { machine } = call as unknown as Call;
        assert.ok(machine !== undefined);
        seen.machine = machine;
        seen.digest = digestOf(machine, call as unknown as Call);
        return true;
      },
    },
  ];
  const environment = { functions, preludes: [], requirable: new Map() };
  const engine = createEngine({ module: await meteredLua(), environment, machines: 1, slicedMachines: 1 });
  const call: Watched['call'] = (revision, extra = {}) =>
    engine.call({
      callId: 'c',
      revision,
      target: { handler: 'default' },
      arguments: [],
      context: undefined,
      seed: [1n, 2n],
      ...extra,
    });
  return { engine, gate, seen, call };
}

async function load(
  { engine }: Watched,
  revision: string,
  code: string,
  namespaceUid = 'a',
  image?: ProgramImage,
): Promise<void> {
  const limits = { ...testLimits, cpuMs: 30, memoryBytes: 4 * 1024 * 1024 };
  const maps = { modules: new Map(), env: new Map(), expressions: new Map() };
  const program = { namespaceUid, namespace: 'n', name: 'fn', revision, code, limits, ...maps };
  const result = await engine.load(program, image);
  assert.ok(result.ok, JSON.stringify(result));
}

/** Loaded into every engine; each looks at the memory it starts from. */
const witnesses: Readonly<Record<string, string>> = {
  plain: 'return function() test.look() return 1 end',
  // So many strings and so much garbage while it loads that what stands still in the ground is another in its image.
  large: `local words = {}
    for i = 1, 3000 do words["word " .. i] = ("x"):rep(i % 50) .. i end
    return function() test.look() return words["word 7"] end`,
  closures: `local kept = {}
    for i = 1, 50 do kept[i] = function() return i end end
    return function() test.look() return kept[7]() end`,
};

const disturbances: Readonly<Record<string, string>> = {
  collects: 'return function() for i = 1, 8000 do local t = { i } end end',
  'grows the table of strings': 'return function() local keep = {} for i = 1, 1500 do keep[i] = "s" .. i end end',
  'collects, then raises': 'return function() for i = 1, 8000 do local t = { i } end error({}) end',
  'never ends': 'return function() while true do end end',
  'takes all memory': 'return function() local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end end',
  'never stops recursing': 'return function() local function f() return f() + 1 end f() end',
  'changes the environment': 'return function() string.rep = nil for k in pairs(_G) do _G[k] = nil end end',
  'yields to nobody': 'return function() for i = 1, 8000 do local t = { i } end coroutine.yield(1) end',
};
/** Waits in the middle of a round of the collector, in each turn at another place. */
const waiting = 'return function(name, n) for i = 1, n do local t = { i } end gate.wait(name) return 1 end';

/** Of engines in which nothing else has run, with the images of this one. */
async function pristineDigests({ engine }: Watched): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  for (const [name, code] of Object.entries(witnesses)) {
    const fresh = await watchedEngine();
    await load(fresh, name, code, 'a', engine.image(name));
    valuesOf(await fresh.call(name));
    digests.set(name, fresh.seen.digest);
    await fresh.engine.close();
  }
  assert.equal(new Set(digests.values()).size, 3, 'control: images differ');
  return digests;
}

describe('every byte that a call starts from', () => {
  test('is that of an engine in which nothing has run, whatever ran before it and however that ended', async () => {
    const watched = await watchedEngine();
    for (const [name, code] of Object.entries({ ...witnesses, ...disturbances, waiting }))
      await load(watched, name, code);
    const pristine = await pristineDigests(watched);
    const look = async (after: string): Promise<void> => {
      for (const [name, digest] of pristine) {
        // The fifth call of a function close after one another has its image in one piece.
        for (let times = 0; times < 2; times += 1) {
          valuesOf(await watched.call(name));
          assert.equal(watched.seen.digest, digest, `${name}, after one that ${after}`);
        }
      }
    };
    for (let round = 0; round < 6; round += 1) {
      await look('looked');
      for (const name of Object.keys(disturbances)) {
        await watched.call(name);
        await look(name);
      }
      const cancel = new AbortController();
      const cancelled = watched.call('waiting', { signal: cancel.signal, arguments: [`c${round}`, 4000] });
      await watched.gate.arrived(`c${round}`);
      cancel.abort();
      assert.equal((await cancelled).kind, 'cancelled');
      await look('was cancelled where it waited');
      // One more than there are machines of both kinds: the first must leave its memory to another.
      const names = [1, 2, 3].map((number) => `p${round}.${number}`);
      const calls = names.map(async (name, index) =>
        watched.call('waiting', { arguments: [name, 3200 + 200 * ((round + index) % 6)] }),
      );
      await Promise.all(names.map((name) => watched.gate.arrived(name)));
      assert.ok(watched.engine.stats().parkedCalls >= 1, 'control: a call was parked');
      await look('was parked');
      names.forEach((name) => watched.gate.release(name));
      for (const ended of await Promise.all(calls)) assert.equal(ended.kind, 'ok');
      assert.equal(watched.engine.stats().parkedCalls, 0);
      await look('was resumed');
    }
    await watched.engine.close();
  });

  test('is so again at the latest after 64 calls where memory was corrupted, and at once for another namespace', async () => {
    const watched = await watchedEngine();
    for (const [name, code] of Object.entries(witnesses)) await load(watched, name, code);
    const pristine = (await pristineDigests(watched)).get('plain');
    const image = watched.engine.image('plain');
    const like = (revision: string) => (image === undefined ? undefined : { ...image, revision });
    await load(watched, 'other', witnesses['plain'] ?? '', 'a', like('other'));
    await load(watched, 'foreign', witnesses['plain'] ?? '', 'b', like('foreign'));
    for (const place of [lowStart + 4096, stillStart + 4096]) {
      const corrupt = async (): Promise<void> => {
        valuesOf(await watched.call('plain'));
        const { machine } = watched.seen;
        assert.ok(machine !== undefined);
        machine.views.u8[place] = (machine.views.u8[place] ?? 0) ^ 1;
      };
      // A call that happens to be the one before which everything is copied sees nothing of it.
      let noticed = false;
      for (let times = 0; times < 5 && !noticed; times += 1) {
        await corrupt();
        valuesOf(await watched.call('other'));
        noticed = watched.seen.digest !== pristine;
      }
      assert.ok(noticed, 'control: a byte that is left behind is noticed');
      for (let calls = 0; calls < 64; calls += 1) valuesOf(await watched.call(calls % 2 === 0 ? 'other' : 'plain'));
      assert.equal(watched.seen.digest, pristine);
      await corrupt();
      await watched.call('foreign');
      assert.equal(watched.seen.digest, pristine);
    }
    await watched.engine.close();
  });
});
