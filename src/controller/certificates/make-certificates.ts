/** Makes the installation's own authority and the certificate of the link: ECDSA P-256, X.509 version 3 (RFC 5280). */
import { randomBytes } from 'node:crypto';
import { Integer, Utf8String } from 'asn1js';
import {
  AltName,
  AttributeTypeAndValue,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
} from 'pkijs';

/** PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Validity {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const hash = 'SHA-256';
const { subtle } = globalThis.crypto;

/** Object identifiers: RFC 5280 §4.2.1, appendix A. */
const oid = {
  commonName: '2.5.4.3',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};
/** DER of the BIT STRING: digitalSignature; keyCertSign and cRLSign. */
const signs = Uint8Array.of(0x03, 0x02, 0x07, 0x80);
const issues = Uint8Array.of(0x03, 0x02, 0x01, 0x06);

/** A new authority; it issues server certificates and no other authorities. */
export async function makeAuthority(name: string, validity: Validity): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = draft(name, validity);
  certificate.issuer.typesAndValues.push(commonName(name));
  certificate.extensions = [
    extension(oid.basicConstraints, true, new BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema().toBER()),
    extension(oid.keyUsage, true, issues.buffer),
  ];
  return sign(certificate, keys, keys.privateKey);
}

/** A certificate for DNS names, of a server unless said otherwise; the first is its common name too. */
export async function issueCertificate(
  authority: KeyPair,
  names: readonly [string, ...string[]],
  validity: Validity,
  purpose: 'serverAuth' | 'clientAuth' = 'serverAuth',
): Promise<KeyPair> {
  const issuer = Certificate.fromBER(fromPem(authority.certificate));
  const issuerKey = await subtle.importKey('pkcs8', fromPem(authority.key), algorithm, false, ['sign']);
  const keys = await newKeys();
  const certificate = draft(names[0], validity);
  certificate.issuer = issuer.subject;
  const altNames = new AltName({ altNames: names.map((value) => new GeneralName({ type: 2, value })) });
  certificate.extensions = [
    extension(oid.basicConstraints, true, new BasicConstraints({ cA: false }).toSchema().toBER()),
    extension(oid.keyUsage, true, signs.buffer),
    extension(oid.extKeyUsage, false, new ExtKeyUsage({ keyPurposes: [oid[purpose]] }).toSchema().toBER()),
    extension(oid.subjectAltName, false, altNames.toSchema().toBER()),
  ];
  return sign(certificate, keys, issuerKey);
}

function draft(name: string, { from, until }: Validity): Certificate {
  // Positive, and never the same twice (RFC 5280 §4.1.2.2).
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  const certificate = new Certificate({ version: 2, serialNumber: new Integer({ valueHex: new Uint8Array(serial) }) });
  certificate.subject.typesAndValues.push(commonName(name));
  certificate.notBefore.value = new Date(from);
  certificate.notAfter.value = new Date(until);
  return certificate;
}

function commonName(value: string): AttributeTypeAndValue {
  // At most 64 characters (RFC 5280 appendix A.1); names that count stand in subjectAltName.
  return new AttributeTypeAndValue({ type: oid.commonName, value: new Utf8String({ value: value.slice(0, 64) }) });
}

function extension(extnID: string, critical: boolean, extnValue: ArrayBuffer): Extension {
  return new Extension({ extnID, critical, extnValue });
}

function newKeys() {
  return subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

type Keys = Awaited<ReturnType<typeof newKeys>>;

async function sign(certificate: Certificate, keys: Keys, issuerKey: Keys['privateKey']): Promise<KeyPair> {
  await certificate.subjectPublicKeyInfo.importKey(keys.publicKey);
  await certificate.sign(issuerKey, hash);
  return {
    certificate: toPem('CERTIFICATE', certificate.toSchema(true).toBER()),
    key: toPem('PRIVATE KEY', await subtle.exportKey('pkcs8', keys.privateKey)),
  };
}

function toPem(label: string, bytes: ArrayBuffer): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The first block. */
function fromPem(text: string): ArrayBuffer {
  const body = /-----BEGIN [A-Z ]+-----([^-]+)-----END/.exec(text)?.[1] ?? '';
  return new Uint8Array(Buffer.from(body, 'base64')).buffer;
}
