import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createTlsServer, connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { issueCertificate, makeAuthority } from './make-certificates.ts';

const day = 86_400_000;
const now = Date.now();
const validity = { from: now - day, until: now + day };

suite('makeAuthority and issueCertificate', () => {
  test('an issued certificate is good for its names, and issues nothing itself', async () => {
    const authority = await makeAuthority('moonhook link', validity);
    const issued = await issueCertificate(authority, ['moonhook-controller.moonhook.svc', 'localhost'], validity);
    const ca = new X509Certificate(authority.certificate);
    const leaf = new X509Certificate(issued.certificate);
    assert.equal(ca.ca, true);
    assert.equal(leaf.ca, false);
    assert.ok(leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
    assert.equal(leaf.subjectAltName, 'DNS:moonhook-controller.moonhook.svc, DNS:localhost');
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.notEqual(ca.serialNumber, leaf.serialNumber);
    assert.equal(Math.floor(leaf.validToDate.getTime() / 1000), Math.floor(validity.until / 1000));
  });

  test('TLS takes it under the right name and authority only', async () => {
    const authority = await makeAuthority('moonhook link', validity);
    const stranger = await makeAuthority('moonhook link', validity);
    const issued = await issueCertificate(authority, ['link.example'], validity);
    const old = await issueCertificate(authority, ['link.example'], { from: now - 2 * day, until: now - day });
    const outcome = async (
      { certificate, key }: { certificate: string; key: string },
      ca: string,
      servername: string,
    ): Promise<string> => {
      const server = createTlsServer({ cert: certificate, key }, (socket) => socket.end('hello'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ca, servername });
      try {
        await once(socket, 'secureConnect');
        return 'accepted';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? '';
      } finally {
        socket.destroy();
        server.close();
      }
    };
    assert.equal(await outcome(issued, authority.certificate, 'link.example'), 'accepted');
    assert.equal(await outcome(issued, authority.certificate, 'other.example'), 'ERR_TLS_CERT_ALTNAME_INVALID');
    assert.match(await outcome(issued, stranger.certificate, 'link.example'), /SIGNATURE|UNABLE_TO_VERIFY/);
    assert.equal(await outcome(old, authority.certificate, 'link.example'), 'CERT_HAS_EXPIRED');
  });
});
