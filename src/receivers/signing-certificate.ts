/** Certificates that senders publish for their signatures (PayPal, Amazon SNS): read once, checked for name and time. */
import { X509Certificate } from 'node:crypto';
import type { FetchDocument } from './types.ts';
import type { RefusalReason } from './reasons.ts';

export interface CertificateRules {
  /** Whether the certificate's name is the sender's. */
  readonly name: RegExp;
}

export type CertificateResult =
  | { readonly ok: true; readonly certificate: X509Certificate }
  | { readonly ok: false; readonly reason: RefusalReason; readonly detail: string };

/** Certificates by the bytes they came as: parsed once as long as they are cached. */
const parsed = new WeakMap<Uint8Array, X509Certificate | null>();

function parse(bytes: Uint8Array): X509Certificate | undefined {
  let certificate = parsed.get(bytes);
  if (certificate === undefined) {
    certificate = read(bytes) ?? null;
    parsed.set(bytes, certificate);
  }
  return certificate ?? undefined;
}

/** The first certificate of the document: the one that signs, where its issuers follow. */
function read(bytes: Uint8Array): X509Certificate | undefined {
  const text = Buffer.from(bytes).toString('latin1');
  const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text.slice(0, 65_536))?.[0];
  try {
    return pem === undefined ? undefined : new X509Certificate(pem);
  } catch {
    // Not a certificate: the caller is told so.
    return undefined;
  }
}

function namesOf(certificate: X509Certificate): readonly string[] {
  const common = /(?:^|\n)CN=([^\n]+)/.exec(certificate.subject)?.[1];
  const alternative = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map(([, name = '']) => name);
  return common === undefined ? alternative : [common, ...alternative];
}

/**
 * The certificate at a URL whose host the caller has checked against an exact list. What makes it trustworthy is that it
 * came over TLS from that host; its own name, time and kind of key are checked besides.
 */
export async function fetchCertificate(
  url: string,
  rules: CertificateRules,
  atMs: number,
  fetchDocument: FetchDocument | undefined,
): Promise<CertificateResult> {
  if (fetchDocument === undefined)
    return { ok: false, reason: 'KeysUnavailable', detail: 'nothing can be fetched here' };
  const fetched = await fetchDocument(url);
  if (!fetched.ok) return { ok: false, reason: 'KeysUnavailable', detail: fetched.message };
  const certificate = parse(fetched.bytes);
  const refused = (detail: string): CertificateResult => ({ ok: false, reason: 'CertificateRefused', detail });
  if (certificate === undefined) return refused('the document holds no certificate');
  if (!namesOf(certificate).some((name) => rules.name.test(name))) return refused('its name is not the sender’s');
  if (atMs < certificate.validFromDate.getTime() || atMs > certificate.validToDate.getTime()) {
    return refused('it was not valid at that time');
  }
  const { publicKey } = certificate;
  if (publicKey.asymmetricKeyType !== 'rsa' || (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
    return refused('its key is not RSA of at least 2048 bits');
  }
  return { ok: true, certificate };
}
