/** One client that opens as many connections as it can, and what is left for the others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { runtimeDefaults } from '../../src/settings/runtime-settings.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const connections = 40;
const page = {
  name: 'page',
  code: 'return function() return "here" end',
  triggers: [{ name: 'web', http: { path: 'page', receiver: { open: {} } } }],
};

async function serve(t: TestContext, perAddress: number, trustedProxies: readonly string[] = []) {
  const patient = { headersTimeoutMs: 120_000, requestTimeoutMs: 240_000 };
  const inbound = { ...runtimeDefaults.inbound, ...patient, connections, connectionsPerAddress: perAddress };
  const policy = { ...localPolicy('http://127.0.0.1:1'), trustedProxies };
  const served = await serveFunctions({ functions: [page], settings: { inbound }, policy });
  t.after(() => served.close());
  return served;
}

function dial(t: TestContext, served: ServedFunctions, from: string): Socket {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(served.url).port), localAddress: from });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => void socket.once('close', () => resolve()));

/** Begins requests that never end, on as many connections as there are places; resolves when so many were refused. */
async function crowd(
  t: TestContext,
  served: ServedFunctions,
  from: string,
  refusals: number,
): Promise<readonly string[]> {
  const refused: string[] = [];
  for (let index = 0; index < connections; index += 1) {
    const socket = dial(t, served, from);
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(socket, 'connect');
    socket.write('GET /default/page HTTP/1.1\r\nhost: x\r\nx-slow: ');
    void closed(socket).then(() => refused.push(said));
  }
  while (refused.length < refusals) await new Promise((resolve) => setImmediate(resolve));
  return refused;
}

/** The answer to a request from another address; empty: it was not let in. */
async function askFrom(t: TestContext, served: ServedFunctions, from: string): Promise<string> {
  const socket = dial(t, served, from);
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
  socket.write('GET /default/page HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await closed(socket);
  return said;
}

test('a client that begins more requests than it may have connections leaves room for others', async (t) => {
  const served = await serve(t, 30);
  const refused = await crowd(t, served, '127.0.0.1', 10);
  // A reset may overtake the answer: what was sent in between is not read any more.
  for (const answer of refused) assert.match(answer, /^$|^HTTP\/1\.1 503 .*"code":"TooManyConnections"/s);
  assert.match(await askFrom(t, served, '127.0.0.2'), /^HTTP\/1\.1 200 .*here$/s);
  while ((await served.metric('http_requests_refused_total{code="TooManyConnections"}')) < 10);
});

test('the control: without a bound for one client, others are not let in', async (t) => {
  const served = await serve(t, connections);
  const refused = await crowd(t, served, '127.0.0.1', 0);
  assert.equal(await askFrom(t, served, '127.0.0.2'), '');
  assert.deepEqual(refused, []);
});

test('a place that was given back is free again, and a trusted proxy has no bound', async (t) => {
  const bounded = await serve(t, 1);
  for (let round = 0; round < 3; round += 1) {
    let said = '';
    // The runtime may hear of the end of a connection after its client.
    while (!said.startsWith('HTTP/1.1 200 ')) said = await askFrom(t, bounded, '127.0.0.1');
  }
  const proxied = await serve(t, 1, ['127.0.0.0/8']);
  const refused = await crowd(t, proxied, '127.0.0.1', 0);
  // Every place is taken by the proxy: had it a bound, one more would be let in and refused with an answer.
  assert.equal(await askFrom(t, proxied, '127.0.0.2'), '');
  assert.deepEqual(refused, []);
});
