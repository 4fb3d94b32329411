/** Digests of the body that are signed in its place: `Content-Digest` (RFC 9530) and the older `Digest` (RFC 3230). */
import { hash, timingSafeEqual } from 'node:crypto';
import { decodeBase64 } from './decode-digest.ts';

const algorithms: Readonly<Record<string, { readonly name: string; readonly length: number }>> = Object.assign(
  Object.create(null) as Record<string, { name: string; length: number }>,
  { 'sha-256': { name: 'sha256', length: 32 }, 'sha-512': { name: 'sha512', length: 64 } },
);

/** Whether every digest of a known algorithm fits the body; `none` when there is no such digest. */
export function checkBodyDigest(
  header: 'content-digest' | 'digest',
  value: string,
  body: Uint8Array,
): 'match' | 'mismatch' | 'none' {
  const entries = value.slice(0, 4096).split(',');
  if (value.length > 4096 || entries.length > 8) return 'none';
  let seen = false;
  for (const entry of entries) {
    const equals = entry.indexOf('=');
    const algorithm = equals === -1 ? undefined : algorithms[entry.slice(0, equals).trim().toLowerCase()];
    if (algorithm === undefined) continue;
    const text = entry.slice(equals + 1).trim();
    const quoted = header === 'content-digest';
    if (quoted && !(text.length > 2 && text.startsWith(':') && text.endsWith(':'))) return 'mismatch';
    const digest = decodeBase64(quoted ? text.slice(1, -1) : text, algorithm.length);
    if (digest === undefined || !timingSafeEqual(digest, hash(algorithm.name, body, 'buffer'))) return 'mismatch';
    seen = true;
  }
  return seen ? 'match' : 'none';
}

/** The header a sender would add for this body. */
export function writeBodyDigest(header: 'content-digest' | 'digest', body: Uint8Array): string {
  const digest = hash('sha256', body, 'base64');
  return header === 'content-digest' ? `sha-256=:${digest}:` : `SHA-256=${digest}`;
}
