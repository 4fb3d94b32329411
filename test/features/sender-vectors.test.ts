/** Published, recorded and derived signatures of senders through the real listener, at the time they were made. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { localPolicy } from '../../src/policy/installation-policy.ts';
import { documentHosts, startDocumentHost } from '../builders/document-host.ts';
import { sendRaw } from '../builders/raw-http.ts';
import { serveFunctions, type FunctionUnderTest } from '../builders/serve-functions.ts';
import {
  proofHeaders,
  receiverOfVector,
  requestOfVector,
  secretOfVector,
  type Vector,
} from '../builders/vector-request.ts';

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/receivers.json', import.meta.url), 'utf8'),
) as readonly Vector[];
/** Without a body (`mandrill-click`) or a receiver (`rfc9421-b25` is the signed text alone) there is nothing to send. */
const applicable = vectors.filter((vector) => receiverOfVector(vector) !== undefined);
const code = 'return function(event) return { name = event.name, by = event.sender.verified } end';

/** The time at which a vector is fresh. */
function timeOf(vector: Vector): number {
  if (vector.verify_at_unix !== undefined) return vector.verify_at_unix * 1000;
  const text = vector.ts ?? '1700000000';
  if (!/^\d+$/.test(text)) return Date.parse(text);
  return text.length > 11 ? Number(text) : Number(text) * 1000;
}

type Secrets = 'vectors' | 'wrong';

const pathOf = (vector: Vector, secrets: Secrets): string => `${secrets}-${vector.id}`;

/** The receiver as a user writes it, with the URL that is registered at the sender. */
function functionOf(vector: Vector, secrets: Secrets): FunctionUnderTest {
  const { name, fields } = receiverOfVector(vector) ?? assert.fail(vector.id);
  const url = vector.url !== undefined && vector.signed.includes('{url}') ? { url: vector.url } : {};
  const own = name === 'paypal' || name === 'jwt' ? {} : { secretRefs: [{ name: secrets, key: vector.id }] };
  const keys = name === 'jwt' ? { keyRefs: [{ name: secrets, key: vector.id }] } : {};
  const receiver = { [name]: { ...fields, ...url, ...keys, ...own } };
  return {
    name: pathOf(vector, secrets),
    code,
    triggers: [{ name: 'web', http: { path: pathOf(vector, secrets), mode: 'sync', receiver } }],
  };
}

function secretText(vector: Vector): string {
  if (vector.alg === 'jwt-hs256') return JSON.stringify({ kty: 'oct', k: vector.key });
  return Buffer.from(secretOfVector(vector)).toString();
}

/** At most `count` places of something so long, the first and the last among them. */
function places(length: number, count: number): readonly number[] {
  const step = Math.max(1, Math.ceil(length / count));
  return [
    ...new Set([...Array.from({ length: Math.ceil(length / step) }, (_, index) => index * step), length - 1]),
  ].filter((place) => place >= 0 && place < length);
}

const flip = (bytes: Uint8Array, place: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[place] = (copy[place] ?? 0) ^ 0x01;
  return copy;
};

test('every vector passes through HTTP at its time, and not with a changed body, proof, secret or time', async (context) => {
  const host = await startDocumentHost(context);
  const paypal = applicable.find(({ id }) => id === 'paypal-2015') ?? assert.fail();
  host.documents.set('api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77', paypal.key);
  const wallClock = new SharedArrayBuffer(8);
  const clock = new Float64Array(wallClock);
  const wrong = Object.fromEntries(
    applicable.map((vector) => {
      const secret = Buffer.from(secretText(vector));
      return [`wrong/${vector.id}`, flip(secret, Math.floor(secret.length / 2)).toString('latin1')];
    }),
  );
  const served = await serveFunctions({
    policy: { ...localPolicy('http://127.0.0.1:1', [...documentHosts]), allowWeakSecrets: true },
    settings: { fault: { wallClock, network: host.network } },
    secrets: {
      ...Object.fromEntries(applicable.map((vector) => [`vectors/${vector.id}`, secretText(vector)])),
      ...wrong,
    },
    functions: [
      ...applicable.map((vector) => functionOf(vector, 'vectors')),
      ...applicable.filter(({ id }) => id !== 'paypal-2015').map((vector) => functionOf(vector, 'wrong')),
    ],
  });
  context.after(() => served.close());

  for (const vector of applicable) {
    const genuine = requestOfVector(vector);
    clock[0] = vector.id === 'linear' ? 1_700_000_000_000 : timeOf(vector);
    const query = vector.url?.includes('?') === true ? vector.url.slice(vector.url.indexOf('?')) : '';
    const url = `${served.url}/default/${pathOf(vector, 'vectors')}${query}`;
    const headers = Object.fromEntries([...genuine.headers].map(([name, values]) => [name, values[0] ?? '']));
    // Most bodies are not the JSON they are declared as; the type is not signed.
    if (vector.content_type === undefined) headers['content-type'] = 'application/octet-stream';
    const { method } = genuine;
    const ask = async (changed: { headers?: Record<string, string>; body?: Uint8Array }): Promise<number> =>
      (await sendRaw(url, { method, headers: changed.headers ?? headers, body: changed.body ?? genuine.body })).status;
    assert.equal(await ask({}), 200, vector.id);
    if (vector.alg !== 'jwt-hs256') {
      for (const place of places(genuine.body.length, 24)) {
        assert.equal(await ask({ body: flip(genuine.body, place) }), 401, `${vector.id}: body at ${place}`);
      }
    }
    for (const name of proofHeaders(vector)) {
      const value = headers[name] ?? assert.fail(`${vector.id} has no ${name}`);
      for (const place of places(value.length, 24)) {
        const text = flip(Buffer.from(value), place).toString('latin1');
        if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) || isSkipped(vector, value, place)) continue;
        assert.equal(await ask({ headers: { ...headers, [name]: text } }), 401, `${vector.id}: ${name} at ${place}`);
      }
      const { [name]: _removed, ...without } = headers;
      assert.equal(await ask({ headers: without }), 401, `${vector.id} without ${name}`);
    }
    const elsewhere = `${served.url}/default/${pathOf(vector, 'wrong')}${query}`;
    const { status } = await sendRaw(elsewhere, { method, headers, body: genuine.body });
    // A secret whose form is broken closes the trigger; one that is only wrong verifies nothing.
    assert.ok([401, 404, 503].includes(status), `${vector.id} with another secret: ${status}`);
    // Scalr's date is signed and no rule compares it.
    if ((vector.ts !== undefined && vector.id !== 'generic-scalr') || vector.id === 'linear') {
      clock[0] += 5 * 24 * 3_600_000;
      assert.equal(await ask({}), 401, `${vector.id}: five days later`);
    }
  }
  assert.ok(host.asked.length > 0, 'the certificate was fetched');
});

/** Bytes of the header that the sender says to skip: another version, or names that are configured. */
function isSkipped(vector: Vector, value: string, place: number): boolean {
  const start = value.lastIndexOf(',', place) + 1;
  if (vector.id === 'stripe-dotnet') return value.startsWith('v0=', start);
  return vector.id === 'hook0-v1' && value.startsWith('h=', start);
}
