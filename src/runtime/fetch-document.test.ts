import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { parseEgressGrant } from '../policy/egress.ts';
import { createOutboundGuard } from '../policy/outbound.ts';
import type { FetchDocument } from '../receivers/types.ts';
import type { FunctionEntry } from '../routing/types.ts';
import { createDocuments } from './fetch-document.ts';

interface World {
  readonly url: string;
  readonly asked: readonly string[];
  fetch: FetchDocument;
  other: FetchDocument;
  answer: { status: number; body: string };
  clock: number;
}

async function start(context: TestContext, grant = '127.0.0.1'): Promise<World> {
  const asked: string[] = [];
  const world = { answer: { status: 200, body: 'one' }, clock: 1_000_000 };
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(world.answer.status).end(world.answer.body);
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const guard = createOutboundGuard();
  context.after(async () => {
    await guard.close();
    server.closeAllConnections();
    server.close();
  });
  const granted = parseEgressGrant(grant, { local: true });
  assert.ok(granted.ok);
  const documents = createDocuments({
    guard,
    installationEgress: () => ({ grants: [granted.value], denied: [], local: true }),
    now: () => world.clock,
  });
  // Of the entry only these are looked at.
  const entry = { namespaceUid: 'ns', namespace: 'team-a', name: 'fn' } as FunctionEntry;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(world, {
    url,
    asked,
    fetch: documents(entry, 'web', '192.0.2.1'),
    other: documents(entry, 'other', '192.0.2.1'),
  });
}

const textOf = async (fetched: ReturnType<FetchDocument>): Promise<string> => {
  const result = await fetched;
  return result.ok ? Buffer.from(result.bytes).toString() : `failed: ${result.message}`;
};

test('a document is fetched once for an hour, and anew at most once a minute when something is missing in it', async (context) => {
  const world = await start(context);
  const url = `${world.url}/keys`;
  assert.equal(await textOf(world.fetch(url)), 'one');
  world.answer = { status: 200, body: 'two' };
  assert.equal(await textOf(world.fetch(url, true)), 'one');
  world.clock += 61_000;
  assert.equal(await textOf(world.fetch(url)), 'one');
  assert.equal(await textOf(world.fetch(url, true)), 'two');
  world.clock += 3_600_000;
  world.answer = { status: 200, body: 'three' };
  assert.equal(await textOf(world.fetch(url)), 'three');
  assert.equal(world.asked.length, 3);
});

test('many requests at once share one fetch, and what could not be had is not asked for again within a minute', async (context) => {
  const world = await start(context);
  world.answer = { status: 500, body: '' };
  const url = `${world.url}/keys`;
  const all = await Promise.all(Array.from({ length: 50 }, async () => textOf(world.fetch(url))));
  assert.deepEqual([...new Set(all)], ['failed: its host answered 500']);
  assert.equal(await textOf(world.fetch(url, true)), 'failed: its host answered 500');
  assert.equal(world.asked.length, 1);
  world.answer = { status: 200, body: 'back' };
  world.clock += 61_000;
  assert.equal(await textOf(world.fetch(url)), 'back');
});

test('a document serves on for a day when its host fails, and no longer', async (context) => {
  const world = await start(context);
  const url = `${world.url}/keys`;
  assert.equal(await textOf(world.fetch(url)), 'one');
  world.answer = { status: 503, body: '' };
  world.clock += 2 * 3_600_000;
  assert.equal(await textOf(world.fetch(url)), 'one');
  world.clock += 23 * 3_600_000;
  assert.match(await textOf(world.fetch(url)), /^failed/);
});

test('one trigger asks for a few documents in a minute, whatever a stranger names, and takes nothing from another', async (context) => {
  const world = await start(context);
  const results: string[] = [];
  for (let number = 0; number < 10; number += 1) results.push(await textOf(world.fetch(`${world.url}/${number}`)));
  assert.equal(results.filter((text) => text === 'one').length, 2);
  assert.equal(world.asked.length, 2);
  assert.equal(await textOf(world.other(`${world.url}/x`)), 'one');
});

test('the guard decides what may be reached: another address than the granted one is refused', async (context) => {
  const world = await start(context, '127.0.0.2');
  assert.match(await textOf(world.fetch(`${world.url}/keys`)), /^failed: /);
  assert.equal(world.asked.length, 0);
});
