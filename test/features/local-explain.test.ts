/** Explaining a request to a receiver whose key has to be fetched: it is fetched as for a real one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startLocal } from '../builders/local-run.ts';

const header = Buffer.from('{"alg":"RS256","kid":"k"}').toString('base64url');
const claims = Buffer.from('{"iss":"https://issuer.example.com/","aud":"hooks","exp":9999999999}').toString(
  'base64url',
);

test('the key set of a JWT receiver is asked for at its host, and what went wrong there is told', async (t) => {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  let asked = 0;
  server.on('connection', () => (asked += 1));
  const { port } = server.address() as AddressInfo;
  const local = await startLocal(t, {
    files: {
      'a.yaml': `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: a }
spec:
  code: return function() end
  triggers:
    - name: web
      http:
        path: a
        receiver:
          jwt: { issuer: "https://issuer.example.com/", audiences: [hooks], jwksUrl: "https://127.0.0.1:${port}/keys" }
`,
    },
    options: { egressAllow: [`127.0.0.1:${port}`] },
  });
  const explain = async (headers: object): Promise<string> => {
    const response = await fetch(`${local.run.addresses.admin}/-/api/functions/default/a/explain`, {
      method: 'POST',
      headers: { authorization: `Bearer ${local.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ method: 'POST', url: '/default/a', headers, body: '{}' }),
    });
    return ((await response.json()) as { lines: readonly string[] }).lines.join('\n');
  };
  assert.match(await explain({}), /refused/);
  assert.equal(asked, 0, 'control: without a token there is nothing to fetch a key for');
  const story = await explain({ authorization: `Bearer ${header}.${claims}.c2lnbmF0dXJl` });
  assert.equal(asked, 1, story);
  assert.match(story, /stop .*key/);
});
