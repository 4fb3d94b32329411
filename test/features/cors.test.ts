/** Cross-origin rules of a trigger. */
import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders } from 'node:http';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

function send(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

suite('CORS', () => {
  let served: ServedFunctions;
  const origin = 'https://app.example';
  before(async () => {
    const http = { receiver: { open: {} }, methods: ['GET', 'POST'] };
    served = await serveFunctions({
      functions: [
        {
          name: 'api',
          code: 'return function() return "ok" end',
          triggers: [
            {
              name: 'listed',
              http: {
                ...http,
                path: 'listed',
                cors: { origins: [origin], methods: ['POST'], headers: ['x-a'], credentials: true, maxAge: '10m' },
              },
            },
            { name: 'all', http: { ...http, path: 'all', cors: { origins: ['*'] } } },
            { name: 'none', http: { ...http, path: 'none' } },
          ],
        },
      ],
    });
  });
  after(() => served.close());
  const preflight = (path: string, from: string, method = 'POST') =>
    send(`${served.url}/default/${path}`, 'OPTIONS', { origin: from, 'access-control-request-method': method });

  test('a preflight of a listed origin is answered by the host', async () => {
    const { status, headers } = await preflight('listed', origin);
    assert.equal(status, 204);
    assert.equal(headers['access-control-allow-origin'], origin);
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.equal(headers['access-control-allow-methods'], 'POST');
    assert.equal(headers['access-control-allow-headers'], 'x-a');
    assert.equal(headers['access-control-max-age'], '600');
    assert.match(headers.vary ?? '', /origin/i);
  });

  test('another origin or method is refused, and no header lets it in', async () => {
    const foreign = await preflight('listed', 'https://evil.example');
    assert.equal(foreign.status, 403);
    assert.equal(foreign.headers['access-control-allow-origin'], undefined);
    assert.equal((await preflight('listed', origin, 'GET')).status, 403);
    assert.equal((await preflight('listed', 'null')).status, 403);
  });

  test('ordinary answers carry the headers for listed origins only', async () => {
    const url = `${served.url}/default/listed`;
    const listed = await send(url, 'POST', { origin });
    assert.deepEqual([listed.status, listed.headers['access-control-allow-origin']], [200, origin]);
    const foreign = await send(url, 'POST', { origin: 'https://evil.example' });
    assert.equal(foreign.headers['access-control-allow-origin'], undefined);
    assert.match(foreign.headers.vary ?? '', /origin/i);
  });

  test('`*` is `*`; without rules a preflight is an ordinary OPTIONS request', async () => {
    assert.equal((await preflight('all', origin)).headers['access-control-allow-origin'], '*');
    const { status, headers } = await preflight('none', origin);
    assert.equal(status, 405);
    assert.equal(headers['access-control-allow-origin'], undefined);
  });
});
