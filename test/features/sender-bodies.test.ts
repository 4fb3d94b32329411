/** Bodies and headers of every shape through the real listener: the signature is judged on the bytes as they were sent. */
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { request as send } from 'node:http';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sendRaw } from '../builders/raw-http.ts';
import { serveFunctions } from '../builders/serve-functions.ts';

const secret = 'a secret that is long enough';
const code =
  'return function(event) return { size = #event.body, kind = type(event.data), digest = crypto.sha256(event.body, "hex"), a = type(event.data) == "table" and event.data.a or nil } end';

const signature = (body: Uint8Array): string => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

test('what is signed passes in every shape, byte for byte, and nothing else does', async (context) => {
  const receiver = { github: { secretRefs: [{ name: 's', key: 'k' }] } };
  const served = await serveFunctions({
    secrets: { 's/k': secret },
    functions: [{ name: 'fn', code, triggers: [{ name: 'web', http: { path: 'web', mode: 'sync', receiver } }] }],
  });
  context.after(() => served.close());
  const url = `${served.url}/default/web`;
  const post = async (body: Uint8Array, headers: Readonly<Record<string, string | readonly string[]>> = {}) =>
    sendRaw(url, { method: 'POST', headers: { 'x-hub-signature-256': signature(body), ...headers }, body });
  const seen = ({ body }: { readonly body: string }) =>
    JSON.parse(body) as { size: number; kind: string; digest: string; a?: unknown };
  const json = { 'content-type': 'application/json' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const octets = { 'content-type': 'application/octet-stream' };

  const binary = randomBytes(5000);
  const largest = Buffer.alloc(1024 * 1024, 'x');
  for (const [body, headers] of [
    [binary, octets],
    [largest, octets],
    [Buffer.alloc(0), {}],
    [Buffer.from('é\0\r\n'), { 'content-type': 'text/plain' }],
    [gzipSync('{"a":1}'), { ...octets, 'content-encoding': 'gzip' }],
    [Buffer.from('{"a":1}'), { 'content-type': 'text/unknown; charset=iso-8859-1' }],
  ] as const) {
    const answer = await post(body, headers);
    assert.equal(answer.status, 200, answer.body);
    const { size, digest } = seen(answer);
    assert.equal(size, body.length);
    assert.equal(digest, createHash('sha256').update(body).digest('hex'));
  }
  const repeated = await post(Buffer.from('a=1&a=2&b=+%2B'), form);
  assert.deepEqual(seen(repeated).a, ['1', '2']);
  assert.equal((await post(Buffer.concat([largest, Buffer.from('x')]), octets)).status, 413);
  assert.equal((await post(Buffer.from('{"a":'), json)).status, 400);

  const body = Buffer.from('{"a":1}');
  const proof = signature(body);
  const upper = `sha256=${proof.slice(7).toUpperCase()}`;
  for (const [headers, status] of [
    [{ 'X-HUB-SIGNATURE-256': proof }, 200],
    [{ 'x-hub-signature-256': upper }, 200],
    [{ 'x-hub-signature-256': [proof, proof] }, 401],
    [{ 'x-hub-signature-256': [proof, 'sha256=00'] }, 401],
    [{ 'x-hub-signature-256': `${proof}, ${proof}` }, 401],
    [{ 'x-hub-signature-256': '' }, 401],
    [{ 'x-hub-signature': proof }, 401],
    [{}, 401],
  ] as const) {
    const answer = await sendRaw(url, { method: 'POST', headers: { ...json, ...headers }, body });
    assert.equal(answer.status, status, JSON.stringify(headers));
  }

  // In pieces, without a length.
  const answered = Promise.withResolvers<number>();
  const chunked = send(url, { method: 'POST', headers: { ...json, 'x-hub-signature-256': proof } }, (response) => {
    response.resume();
    answered.resolve(response.statusCode ?? 0);
  });
  chunked.on('error', answered.reject);
  for (const byte of body) chunked.write(Buffer.from([byte]));
  chunked.end();
  assert.equal(await answered.promise, 200);
});
