import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createOutboundGuard } from './outbound.ts';
import type { OutboundResult } from './outbound-types.ts';
import { createCachingResolve } from './outbound-resolve.ts';
import { LookupShares } from './share-lookups.ts';

const limits = { all: 6, perNamespace: 2, waiting: 100 };

/** A resolver whose names are answered when the test says so. */
function slowResolver(): {
  readonly asked: string[];
  resolve(host: string): Promise<readonly string[]>;
  answer(host: string): Promise<void>;
} {
  const pending = new Map<string, (addresses: readonly string[]) => void>();
  const asked: string[] = [];
  return {
    asked,
    resolve: (host) => {
      asked.push(host);
      return new Promise((resolve) => pending.set(host, resolve));
    },
    answer: async (host) => {
      pending.get(host)?.(['192.0.2.1']);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

suite('lookups', () => {
  test('of a namespace that names slow servers hold few of the threads, and others are looked up at once', async () => {
    const slow = slowResolver();
    const resolve = createCachingResolve(slow.resolve, () => 0, new LookupShares(limits));
    const hostile = Array.from({ length: 16 }, (_, index) => resolve(`slow-${index}.example`, 'hostile'));
    assert.deepEqual(slow.asked, ['slow-0.example', 'slow-1.example']);
    const honest = resolve('api.example', 'honest');
    assert.equal(slow.asked.at(-1), 'api.example');
    await slow.answer('api.example');
    assert.deepEqual(await honest, ['192.0.2.1']);
    for (let index = 0; index < 16; index += 1) await slow.answer(`slow-${index}.example`);
    await Promise.all(hostile);
    assert.equal(slow.asked.length, 17, 'control: each is asked for when its turn comes');
  });

  test('several namespaces with slow names get one each, so that half of the threads stay for others', async () => {
    const slow = slowResolver();
    const shares = new LookupShares(limits);
    const resolve = createCachingResolve(slow.resolve, () => 0, shares);
    for (let round = 0; round < 8; round += 1) {
      for (const namespace of ['a', 'b', 'c']) void resolve(`${namespace}-${round}.example`, namespace);
    }
    assert.ok(slow.asked.length <= 5, slow.asked.join(' '));
    void resolve('api.example', 'honest');
    assert.equal(slow.asked.at(-1), 'api.example');
  });

  test('that wait take turns by namespace', async () => {
    const slow = slowResolver();
    const resolve = createCachingResolve(slow.resolve, () => 0, new LookupShares({ ...limits, all: 1 }));
    for (let index = 0; index < 3; index += 1) void resolve(`hostile-${index}`, 'hostile');
    void resolve('honest', 'honest');
    await slow.answer('hostile-0');
    await slow.answer('hostile-1');
    assert.deepEqual(slow.asked, ['hostile-0', 'hostile-1', 'honest']);
  });

  test('beyond a number that wait are refused, and a lookup that fails gives its place back', async () => {
    const shares = new LookupShares({ all: 1, perNamespace: 1, waiting: 2 });
    const gate = Promise.withResolvers<string>();
    const first = shares.run('a', () => gate.promise);
    const more = [1, 2].map(async () => shares.run('a', async () => 'later'));
    await assert.rejects(
      shares.run('a', async () => 'never'),
      /too many names/,
    );
    gate.reject(new Error('no such name'));
    await assert.rejects(first, /no such name/);
    assert.deepEqual(await Promise.all(more), ['later', 'later']);
  });

  test('of one name by many are one, and addresses ask nobody', async () => {
    const slow = slowResolver();
    const resolve = createCachingResolve(slow.resolve, () => 0, new LookupShares(limits));
    const all = ['a', 'b', 'c'].map((namespace) => resolve('api.example', namespace));
    assert.deepEqual(await resolve('192.0.2.7', 'a'), ['192.0.2.7']);
    await slow.answer('api.example');
    await Promise.all(all);
    assert.deepEqual(slow.asked, ['api.example']);
  });
});

test('a namespace that names slow servers without end is told so, and others are not kept waiting', async () => {
  const slow = Promise.withResolvers<readonly string[]>();
  const guard = createOutboundGuard({
    resolve: async (host) => (host.startsWith('slow') ? slow.promise : ['127.0.0.1']),
  });
  const installation = { grants: [], denied: [], local: false };
  const sending = (namespaceUid: string, host: string): Promise<OutboundResult> =>
    guard.outboundFor({ namespaceUid, egress: { installation } }).send({
      method: 'GET',
      url: `http://${host}/`,
      headers: [],
      timeoutMs: 60_000,
      maxRedirects: 0,
      maxResponseBytes: 1_000,
      signal: new AbortController().signal,
    });
  const hostile = Array.from({ length: 300 }, async (_, index) => sending('hostile', `slow-${index}.example`));
  const refused = await Promise.race(hostile);
  assert.ok(!refused.ok && /too many names are being looked up/.test(refused.message), JSON.stringify(refused));
  const honest = await sending('honest', 'api.example');
  assert.ok(!honest.ok && !/looked up/.test(honest.message), 'control: its name was looked up');
  slow.resolve(['127.0.0.1']);
  const ended = await Promise.all(hostile);
  assert.equal(ended.filter((each) => !each.ok && each.message.includes('too many names')).length, 98);
  await guard.close();
});
