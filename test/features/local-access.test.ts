/** Who may ask a local run what: loopback is not a proof, the start-up token is; pages of other origins are kept out. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdDataDirectory } from '../../src/local/data-directory.ts';
import { startLocal, type LocalFixture } from '../builders/local-run.ts';

const hook = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: a }
spec:
  code: return function() return "ran" end
  env:
    - { name: TOKEN, valueFrom: { secretKeyRef: { name: s, key: token } } }
  triggers:
    - name: web
      http: { path: a, receiver: { bearer: { secretRefs: [{ name: s, key: token }] } } }
---
apiVersion: v1
kind: Secret
metadata: { name: s, labels: { moonhook.dev/functions: "true" } }
stringData: { token: a-very-secret-value-of-32-letters }
`;

const secret = 'a-very-secret-value-of-32-letters';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** `fetch` forbids some of these headers, so the request is made by hand. */
function ask(url: string, headers: Readonly<Record<string, string>>, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts).toString() });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

interface Door {
  readonly name: string;
  readonly url: string;
  readonly method: string;
  /** With the token, without a body. */
  readonly opened: number;
}

/** Method, path, and what the token's owner is answered. */
const apiPaths: readonly (readonly [string, string, number])[] = [
  ['GET', '/status', 200],
  ['GET', '/table', 200],
  ['GET', '/functions', 200],
  ['GET', '/functions/default/a', 200],
  ['GET', '/calls', 200],
  ['GET', '/explain?id=x', 404],
  ['GET', '/deliveries', 200],
  ['GET', '/namespaces/default/deliveries', 200],
  ['GET', '/namespaces/default/delivery?id=x', 404],
  ['POST', '/namespaces/default/replay', 400],
  ['POST', '/namespaces/default/cancel', 400],
  ['GET', '/namespaces/default/replays/1', 404],
  ['DELETE', '/namespaces/default/replays/1', 404],
  ['GET', '/namespaces/default/kv?function=a', 200],
  ['PUT', '/namespaces/default/kv', 400],
  ['DELETE', '/namespaces/default/kv?function=a&key=x', 404],
  ['PUT', '/namespaces/default/functions/a/suspend', 400],
  ['POST', '/subscriptions/default/a/ping', 404],
  ['POST', '/store/snapshot', 400],
];

function doors(local: LocalFixture): readonly Door[] {
  const { addresses } = local.run;
  return [
    { name: 'call', url: `${addresses.calls}/function/default/a`, method: 'GET', opened: 200 },
    ...apiPaths.map(([method, path, opened]) => ({
      name: `${method} ${path}`,
      url: `${addresses.admin}/-/api${path}`,
      method,
      opened,
    })),
  ];
}

test('access to a local run', async (context) => {
  const local = await startLocal(context, { files: { 'a.yaml': hook } });
  const authorization = `Bearer ${local.token}`;

  await context.test('the token opens every door (control)', async () => {
    for (const { name, url, method, opened } of doors(local)) {
      const { status } = await ask(url, { authorization }, method);
      assert.equal(status, opened, name);
    }
    const [host] = local.run.addresses.admin.replace('http://', '').split('/');
    const port = host?.split(':')[1];
    for (const own of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      const { status } = await ask(`${local.run.addresses.admin}/-/api/status`, { authorization, host: own });
      assert.equal(status, 200, own);
    }
  });

  const refusals: readonly {
    readonly title: string;
    readonly status: number;
    headers(token: string): Record<string, string>;
  }[] = [
    { title: 'no token', status: 401, headers: () => ({}) },
    { title: 'another token', status: 401, headers: () => ({ authorization: `Bearer ${'x'.repeat(43)}` }) },
    { title: 'the token as Basic', status: 401, headers: (token) => ({ authorization: `Basic ${btoa(`:${token}`)}` }) },
    { title: 'the token in a cookie', status: 401, headers: (token) => ({ cookie: `token=${token}` }) },
    {
      title: 'a Host that a rebound name has',
      status: 403,
      headers: (token) => ({ authorization: `Bearer ${token}`, host: 'evil.example:8081' }),
    },
    {
      title: 'a Host without our port',
      status: 403,
      headers: (token) => ({ authorization: `Bearer ${token}`, host: 'localhost' }),
    },
    {
      title: 'a page of another origin',
      status: 403,
      headers: (token) => ({ authorization: `Bearer ${token}`, origin: 'https://evil.example' }),
    },
    {
      title: 'a page without an origin',
      status: 403,
      headers: (token) => ({ authorization: `Bearer ${token}`, origin: 'null' }),
    },
    {
      title: 'a page on another local port',
      status: 403,
      headers: (token) => ({ authorization: `Bearer ${token}`, origin: 'http://localhost:3000' }),
    },
    {
      title: 'a request that a page of another site caused',
      status: 403,
      headers: (token) => ({ authorization: `Bearer ${token}`, 'sec-fetch-site': 'cross-site' }),
    },
  ];
  for (const { title, status, headers } of refusals) {
    await context.test(`${title} opens none`, async () => {
      for (const { name, url, method } of doors(local)) {
        const answer = await ask(url, headers(local.token), method);
        assert.equal(answer.status, status, `${name}: ${answer.body}`);
        assert.ok(!answer.body.includes(secret) && !answer.body.includes(local.token), name);
        assert.equal(answer.headers['access-control-allow-origin'], undefined, name);
      }
    });
  }

  await context.test('a preflight of a page is not answered with permission', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    for (const { name, url } of doors(local)) {
      const answer = await ask(url, headers, 'OPTIONS');
      assert.ok(answer.status >= 400, name);
      assert.equal(answer.headers['access-control-allow-origin'], undefined, name);
    }
  });

  await context.test('a trigger asks its own receiver and nothing else', async () => {
    const url = `${local.run.addresses.public}/default/a`;
    assert.equal((await ask(url, { authorization: `Bearer ${secret}`, host: 'hooks.example.com' })).status, 200);
    assert.equal((await ask(url, { authorization })).status, 401);
  });

  await context.test('neither table, description nor records show a secret', async () => {
    await ask(`${local.run.addresses.public}/default/a`, { authorization: 'Bearer wrong-token' });
    for (const { name, url, method } of doors(local)) {
      const { body } = await ask(url, { authorization }, method);
      assert.ok(!body.includes(secret) && !body.includes(btoa(secret)), name);
      assert.ok(!body.includes('wrong-token'), name);
    }
    const { body } = await ask(`${local.run.addresses.admin}/-/api/table`, { authorization });
    assert.match(body, /"TOKEN":"\*\*\*"/);
  });

  await context.test(
    'metrics and health are open to this machine, not to pages, and the listener of triggers has no API',
    async () => {
      for (const path of ['/metrics', '/healthz', '/readyz']) {
        assert.equal((await ask(`${local.run.addresses.admin}${path}`, {})).status, 200, path);
        const { port } = new URL(local.run.addresses.admin);
        for (const foreign of [
          { host: `rebound.example:${port}` },
          { origin: 'http://rebound.example' },
          { 'sec-fetch-site': 'cross-site' },
        ]) {
          assert.equal((await ask(`${local.run.addresses.admin}${path}`, foreign)).status, 403, path);
        }
      }
      assert.equal((await ask(`${local.run.addresses.public}/-/api/status`, { authorization })).status, 404);
    },
  );

  await context.test('the token lies in a private file, and a second process is refused', () => {
    const { dataDirectory } = local.run;
    assert.equal(statSync(dataDirectory).mode & 0o777, 0o700);
    for (const name of ['dev.json', 'lock']) assert.equal(statSync(join(dataDirectory, name)).mode & 0o077, 0, name);
    const second = holdDataDirectory(dataDirectory, { pid: process.pid, newId: () => 'second' });
    assert.ok(!second.ok);
    assert.match(second.message, /another `moonhook dev` \(process \d+\) uses .*--data-dir/);
  });
});
