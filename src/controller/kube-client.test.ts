import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, suite, test } from 'node:test';
import { createKubeClient, type KubeClient } from './kube-client.ts';

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.toReversed()) await close();
});

async function clientOf(answer: RequestListener): Promise<KubeClient> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  const { port } = server.address() as AddressInfo;
  const known = {
    server: new URL(`http://127.0.0.1:${port}`),
    headers: {},
    connection: { type: 'none' },
    connectionKey: '',
  } as const;
  const client = createKubeClient({ namespace: undefined, read: async () => known, forget: () => undefined }, 'test');
  closing.push(() => client.close());
  return client;
}

suite('createKubeClient', () => {
  test('a call leaves nothing on the signal of its caller, which outlives thousands', async () => {
    const client = await clientOf((_request, response) => response.end('{}'));
    const { signal } = new AbortController();
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.request({ path: '/', signal })));
    assert.ok(answers.every(({ ok }) => ok));
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  test('no answer in time is told from a call that was given up', async () => {
    const client = await clientOf(() => undefined);
    const late = await client.request({ path: '/', timeoutMs: 20 });
    assert.equal(!late.ok && late.reason, 'TimedOut');
    const caller = new AbortController();
    const given = client.request({ path: '/', signal: caller.signal });
    caller.abort();
    const answer = await given;
    assert.equal(!answer.ok && answer.reason, 'Unreachable');
    const never = await client.request({ path: '/', signal: caller.signal });
    assert.equal(never.ok, false);
  });
});
