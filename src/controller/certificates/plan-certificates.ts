/** When authorities and certificates of the link are made, used and forgotten. Pure but for the making. */
import { createHash, X509Certificate } from 'node:crypto';
import type { KeyPair, Validity } from './make-certificates.ts';

/** What the Secret holds. */
export interface Certificates {
  /** The oldest first; all are trusted. */
  readonly authorities: readonly KeyPair[];
  readonly serving?: KeyPair;
}

export interface CertificateMaker {
  makeAuthority(name: string, validity: Validity): Promise<KeyPair>;
  issueCertificate(authority: KeyPair, names: readonly [string, ...string[]], validity: Validity): Promise<KeyPair>;
}

const hour = 3_600_000;
const day = 24 * hour;
export const authorityMs = 730 * day;
export const servingMs = 30 * day;
/** Clocks of nodes differ. */
const skewMs = hour;
/** A new authority issues nothing before every runtime can have read it: mounted ConfigMaps lag by a minute or two. */
const settleMs = hour;

/** What should be held now; the same object where nothing has to change. */
export async function planCertificates(
  held: Certificates,
  names: readonly [string, ...string[]],
  now: number,
  maker: CertificateMaker,
): Promise<Certificates> {
  const usable = held.authorities.filter((each) => until(each) > now);
  const newest = usable.at(-1);
  const renew = newest === undefined || until(newest) - now < authorityMs / 3;
  const authorities = renew
    ? [...usable, await maker.makeAuthority('moonhook link', { from: now - skewMs, until: now + authorityMs })]
    : usable;
  const settled = authorities.filter((each) => from(each) + skewMs + settleMs <= now);
  // The first authority of an installation has nobody to wait for.
  const issuer = (settled.at(-1) ?? authorities[0]) as KeyPair;
  const { serving } = held;
  const fits =
    serving !== undefined &&
    until(serving) - now > servingMs / 3 &&
    issuedBy(serving, issuer) &&
    namesOf(serving) === names.map((name) => `DNS:${name}`).join(', ');
  if (fits && authorities.length === held.authorities.length && !renew) return held;
  const validity = { from: now - skewMs, until: Math.min(now + servingMs, until(issuer)) };
  return { authorities, serving: fits ? serving : await maker.issueCertificate(issuer, names, validity) };
}

/** What runtimes mount: all authorities, one after the other. */
export function bundleOf({ authorities }: Certificates): string {
  return authorities.map(({ certificate }) => certificate).join('');
}

/** Base64 values by key, as a Secret has them. */
export function toSecretData({ authorities, serving }: Certificates): Record<string, string> {
  const data: Record<string, string> = {};
  const put = (key: string, text: string): void => void (data[key] = Buffer.from(text).toString('base64'));
  for (const each of authorities) {
    const name = fingerprintOf(each);
    put(`authority-${name}.crt`, each.certificate);
    put(`authority-${name}.key`, each.key);
  }
  if (serving !== undefined) {
    put('tls.crt', serving.certificate);
    put('tls.key', serving.key);
  }
  return data;
}

/** What cannot be read is as good as absent. */
export function fromSecretData(data: Readonly<Record<string, string>>): Certificates {
  const pair = (name: string): readonly KeyPair[] => {
    const [certificate, key] = [`${name}.crt`, `${name}.key`].map((each) =>
      Buffer.from(data[each] ?? '', 'base64').toString('utf8'),
    ) as [string, string];
    return key !== '' && isCertificate(certificate) ? [{ certificate, key }] : [];
  };
  const names = Object.keys(data).flatMap((key) => /^(authority-[0-9a-f]+)\.crt$/.exec(key)?.[1] ?? []);
  const authorities = names.flatMap(pair).toSorted((one, other) => from(one) - from(other));
  const [serving] = pair('tls');
  return { authorities, ...(serving === undefined ? {} : { serving }) };
}

const parsed = ({ certificate }: KeyPair): X509Certificate => new X509Certificate(certificate);
const from = (pair: KeyPair): number => parsed(pair).validFromDate.getTime();
const until = (pair: KeyPair): number => parsed(pair).validToDate.getTime();
const namesOf = (pair: KeyPair): string => parsed(pair).subjectAltName ?? '';
const fingerprintOf = ({ certificate }: KeyPair): string =>
  createHash('sha256').update(certificate).digest('hex').slice(0, 16);

function issuedBy(pair: KeyPair, authority: KeyPair): boolean {
  return parsed(pair).verify(parsed(authority).publicKey);
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0;
  } catch {
    return false;
  }
}
