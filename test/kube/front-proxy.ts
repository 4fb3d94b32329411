/** The front proxy of an API server that serves aggregated APIs: its authority, its client certificate, and the flags. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { issueCertificate, makeAuthority, type KeyPair } from '../../src/controller/certificates/make-certificates.ts';

const day = 86_400_000;

export interface TestFrontProxy {
  readonly authority: KeyPair;
  /** What the API server shows. */
  readonly client: KeyPair;
  /** Of kube-apiserver. */
  readonly flags: readonly string[];
}

/** Its files end with the tests of the file. */
export async function makeFrontProxy(): Promise<TestFrontProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-front-proxy-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const validity = { from: Date.now() - day, until: Date.now() + day };
  const authority = await makeAuthority('front-proxy-ca', validity);
  const client = await issueCertificate(authority, ['front-proxy-client'], validity, 'clientAuth');
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    authority,
    client,
    flags: [
      `--requestheader-client-ca-file=${file('ca.crt', authority.certificate)}`,
      '--requestheader-allowed-names=front-proxy-client',
      '--requestheader-username-headers=X-Remote-User',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      `--proxy-client-cert-file=${file('client.crt', client.certificate)}`,
      `--proxy-client-key-file=${file('client.key', client.key)}`,
    ],
  };
}
