import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { parseEgressGrant, type EffectiveEgress } from './egress.ts';
import { createOutboundGuard, type OutboundGuard } from './outbound.ts';
import type { OutboundResult } from './outbound-types.ts';

/** A certificate for tls.example that signs itself, made for this test only. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiLtguqTJmkICodVT
hC2vlmDFG9DQr9a0/ESqwSt1bMGhRANCAASQ5nHRCV3BclgmlTs/C9L6vLzQjmHP
qFyRBvVyXmxdqoY0/iy01bWdjyAGEmrXU6jr9tbw+3MHkTpEwbg2kae6
-----END PRIVATE KEY-----`;
const certificate = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUR+Hhfk/6K3m1RqPZlKQFq+re4TwwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLdGxzLmV4YW1wbGUwIBcNMjYxMTIyMDI0MjM0WhgPMjEyNjEw
MjkwMjQyMzRaMBYxFDASBgNVBAMMC3Rscy5leGFtcGxlMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEkOZx0QldwXJYJpU7PwvS+ry80I5hz6hckQb1cl5sXaqGNP4s
tNW1nY8gBhJq11Oo6/bW8PtzB5E6RMG4NpGnuqNrMGkwHQYDVR0OBBYEFIVyrn7r
aMJQodggpFJMM7wsmyGyMB8GA1UdIwQYMBaAFIVyrn7raMJQodggpFJMM7wsmyGy
MA8GA1UdEwEB/wQFMAMBAf8wFgYDVR0RBA8wDYILdGxzLmV4YW1wbGUwCgYIKoZI
zj0EAwIDSAAwRQIgbTwG7jHXmIaDS8dZpJR21Emg0RsX2RQ+qT37R1VGhN0CIQCM
Paqq8nt/ykSTxbDsq1QiZGMtCcBNZQu5XqYjNdIkgg==
-----END CERTIFICATE-----`;

const names: (string | false)[] = [];
const server = createServer({ key, cert: certificate }, (request, response) => {
  names.push((request.socket as unknown as { servername: string | false }).servername);
  response.end(request.headers.host);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
const trusting = createOutboundGuard({ resolve: async () => ['127.0.0.1'], ca: [certificate] });
const plain = createOutboundGuard({ resolve: async () => ['127.0.0.1'] });
after(async () => {
  await trusting.close();
  await plain.close();
  server.close();
  server.closeAllConnections();
});

async function get(guard: OutboundGuard, url: string): Promise<OutboundResult> {
  const grant = parseEgressGrant('127.0.0.1', { local: true });
  assert.ok(grant.ok);
  const egress: EffectiveEgress = { installation: { grants: [grant.value], denied: [], local: true } };
  return guard.outboundFor({ namespaceUid: 'ns', egress }).send({
    method: 'GET',
    url,
    headers: [],
    timeoutMs: 30_000,
    maxRedirects: 0,
    maxResponseBytes: 10_000,
    signal: new AbortController().signal,
  });
}

test('the name of the URL is asked for and checked, not the address that was dialled', async () => {
  const result = await get(trusting, `https://tls.example.:${port}/`);
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(names, ['tls.example']);
});

test('a certificate for another name or from nobody known ends the request', async () => {
  const other = await get(trusting, `https://other.example:${port}/`);
  assert.ok(!other.ok);
  assert.match(other.message, /certificate is for another host/);
  const address = await get(trusting, `https://127.0.0.1:${port}/`);
  assert.ok(!address.ok);
  assert.match(address.message, /certificate is for another host/);
  const unknown = await get(plain, `https://tls.example:${port}/`);
  assert.ok(!unknown.ok);
  assert.match(unknown.message, /self-signed/);
});

test('TLS spoken to a plain port, and the other way round, are errors', async () => {
  const result = await get(trusting, `http://tls.example:${port}/`);
  assert.ok(!result.ok || result.response.status === 400);
});
