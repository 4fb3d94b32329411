/** A host that several namespaces share: what one of them may not do there; proxies in front; ten thousand connections. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };
const page = {
  name: 'page',
  code: `return function(event)
    return { headers = { ["Set-Cookie"] = "a=b", ["Service-Worker-Allowed"] = "/", ["X-Content-Type-Options"] = "other", ["X-Own"] = "1" },
             body = event.request.ip }
  end`,
  triggers: [{ name: 'web', http: { path: 'page', receiver: open } }],
} as const;

suite('a shared host', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      policy: {
        singleTenant: false,
        hosts: [{ publicUrl: 'https://hooks.example', namespaces: '*', mount: '/{namespace}' }],
        trustedProxies: ['127.0.0.1'],
      },
      functions: [page],
    });
  });
  after(() => served.close());
  const get = (headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${served.url}/default/page`, { headers });

  test('answers are sandboxed, and headers that speak for the whole host are left out', async () => {
    const { status, headers } = await get();
    assert.equal(status, 200);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('content-security-policy'), 'sandbox');
    assert.equal(headers.get('set-cookie'), null);
    assert.equal(headers.get('service-worker-allowed'), null);
    assert.equal(headers.get('x-own'), '1');
  });

  test('a page cannot become the service worker of its neighbours', async () => {
    const response = await get({ 'service-worker': 'script' });
    assert.equal(response.status, 403);
  });

  test('control: on a host of its own a namespace sets cookies and is not sandboxed', async () => {
    const own = await serveFunctions({ functions: [page] });
    try {
      const { headers } = await fetch(`${own.url}/default/page`, { headers: { 'service-worker': 'script' } });
      assert.equal(headers.get('set-cookie'), 'a=b');
      assert.equal(headers.get('content-security-policy'), null);
    } finally {
      await own.close();
    }
  });

  test('what a trusted proxy forwards is the client’s address; without one it is not', async () => {
    assert.equal(await (await get({ 'x-forwarded-for': '198.51.100.7' })).text(), '198.51.100.7');
    const own = await serveFunctions({ functions: [page] });
    try {
      const response = await fetch(`${own.url}/default/page`, { headers: { 'x-forwarded-for': '198.51.100.7' } });
      assert.equal(await response.text(), '127.0.0.1');
    } finally {
      await own.close();
    }
  });
});

test('ten thousand idle connections do not keep others from being answered', async (context) => {
  const served = await serveFunctions({ functions: [page] });
  // In a process of their own: each end of a connection takes one of a process's files.
  const holder = fork(new URL('../builders/idle-connections.ts', import.meta.url), [new URL(served.url).port, '10000']);
  try {
    const [held] = (await once(holder, 'message')) as [number];
    if (held < 10_000) return context.skip(`this machine let ${held} connections be opened`);
    for (let index = 0; index < 20; index += 1) {
      const response = await fetch(`${served.url}/default/page`);
      assert.equal(response.status, 200);
      await response.arrayBuffer();
    }
    return undefined;
  } finally {
    holder.kill();
    await served.close();
  }
});
