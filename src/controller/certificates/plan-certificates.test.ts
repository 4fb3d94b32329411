import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { suite, test } from 'node:test';
import { issueCertificate, makeAuthority } from './make-certificates.ts';
import {
  authorityMs,
  bundleOf,
  fromSecretData,
  planCertificates,
  servingMs,
  toSecretData,
  type Certificates,
} from './plan-certificates.ts';

const maker = { makeAuthority, issueCertificate };
const names = ['moonhook-link.moonhook.svc'] as const;
const start = Date.UTC(2026, 0, 1);
const hour = 3_600_000;

function servedBy({ authorities, serving }: Certificates): number {
  const leaf = new X509Certificate(serving?.certificate ?? '');
  return authorities.findIndex(({ certificate }) => leaf.verify(new X509Certificate(certificate).publicKey));
}

suite('planCertificates', () => {
  test('makes everything at first, and nothing again as long as it holds', async () => {
    const made = await planCertificates({ authorities: [] }, names, start, maker);
    assert.equal(made.authorities.length, 1);
    assert.equal(servedBy(made), 0);
    assert.equal(await planCertificates(made, names, start + servingMs / 2, maker), made);
  });

  test('a certificate is made anew before it ends, and for other names', async () => {
    const made = await planCertificates({ authorities: [] }, names, start, maker);
    const later = await planCertificates(made, names, start + servingMs * 0.7, maker);
    assert.equal(later.authorities[0], made.authorities[0]);
    assert.notEqual(later.serving?.certificate, made.serving?.certificate);
    const other = await planCertificates(made, ['other.moonhook.svc'], start, maker);
    assert.equal(new X509Certificate(other.serving?.certificate ?? '').subjectAltName, 'DNS:other.moonhook.svc');
  });

  test('a new authority is published before it issues, and the old one is trusted until it ends', async () => {
    const made = await planCertificates({ authorities: [] }, names, start, maker);
    const renewing = start + authorityMs * 0.7;
    const both = await planCertificates(made, names, renewing, maker);
    assert.equal(both.authorities.length, 2);
    assert.equal(servedBy(both), 0, 'runtimes may not know the new one yet');
    assert.equal(bundleOf(both).match(/BEGIN CERTIFICATE/g)?.length, 2);
    const settled = await planCertificates(both, names, renewing + 2 * hour, maker);
    assert.equal(servedBy(settled), 1);
    assert.equal(settled.authorities.length, 2);
    const after = await planCertificates(settled, names, start + authorityMs + hour, maker);
    assert.deepEqual(after.authorities, [settled.authorities[1]]);
  });

  test('what is held survives the Secret, and what cannot be read is made anew', async () => {
    const made = await planCertificates({ authorities: [] }, names, start, maker);
    const both = await planCertificates(made, names, start + authorityMs * 0.7, maker);
    assert.deepEqual(fromSecretData(toSecretData(both)), both);
    const data = { ...toSecretData(made), 'tls.crt': 'bm9uc2Vuc2U=' };
    const read = fromSecretData(data);
    assert.equal(read.serving, undefined);
    assert.equal(servedBy(await planCertificates(read, names, start, maker)), 0);
  });
});
