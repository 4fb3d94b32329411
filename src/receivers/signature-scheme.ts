/** Verifies and makes HMAC signatures by description: most named senders and `hmac` differ only in this data. */
import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { checkBodyDigest, writeBodyDigest } from './body-digest.ts';
import { decodeDigest, type DigestEncoding } from './decode-digest.ts';
import { singleHeader } from './read-header.ts';
import { readEntries, writeEntries, type EntryFormat } from './signature-entries.ts';
import { renderTemplate, type SignedTemplate } from './signed-template.ts';
import { formatTimestamp, parseTimestamp, withinTolerance, type TimestampRule } from './timestamp.ts';
import type { RawRequest, Step, Verdict } from './types.ts';
import { accept, refuse } from './verdict.ts';

export const digestLengths = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const;
export type HmacAlgorithm = keyof typeof digestLengths;

/** Everything that differs between senders that sign with HMAC. */
export interface SignatureScheme extends EntryFormat {
  readonly algorithm: HmacAlgorithm;
  /** Lower case. */
  readonly header: string;
  readonly encoding: DigestEncoding;
  readonly signed: SignedTemplate;
  readonly timestamp?: TimestampRule;
  /** Header (lower case) that fills `{id}`. */
  readonly idHeader?: string;
  /** The URL as registered at the sender, instead of the public URL of the request. */
  readonly url?: string;
}

const sizes = (keys: readonly KeyObject[]): string => (keys.length === 1 ? '1 secret' : `${keys.length} secrets`);

/** Judges one request: the signature first, then its time, on the clock of arrival. */
export function verifySignature(
  scheme: SignatureScheme,
  request: RawRequest,
  keys: readonly KeyObject[],
  nowMs: number,
): Verdict {
  const header = singleHeader(request, scheme.header);
  if (header.kind === 'none') return refuse('SignatureMissing', 'signature header', [], scheme.header);
  if (header.kind === 'many') return refuse('SignatureRepeated', 'signature header', [], scheme.header);
  const entries = readEntries(header.value, scheme);
  if (entries === undefined) return refuse('SignatureMalformed', 'signature header', [], scheme.header);
  const candidates = decodeCandidates(entries.signatures, scheme);
  if (candidates.length === 0) return refuse('SignatureMalformed', 'signature header', [], scheme.header);
  const steps: Step[] = [{ step: 'signature header', ok: true, detail: scheme.header }];

  let time: number | undefined;
  let timestamp: string | undefined;
  if (scheme.timestamp !== undefined) {
    const read = readTimestamp(scheme.timestamp, request, entries.timestamp);
    if (read === undefined) return refuse('TimestampMissing', 'timestamp', steps);
    timestamp = read;
    time = parseTimestamp(read, scheme.timestamp.unit);
    if (time === undefined) return refuse('TimestampMalformed', 'timestamp', steps);
  }
  const id = scheme.idHeader === undefined ? undefined : singleHeader(request, scheme.idHeader);
  const rendered = renderTemplate(scheme.signed, request, {
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(id?.kind === 'one' ? { id: id.value } : {}),
    ...(scheme.url === undefined ? {} : { url: scheme.url }),
  });
  if (!rendered.ok) return refuse(rendered.reason, 'signed text', steps, rendered.part);

  const matched = findMatch(scheme.algorithm, rendered.chunks, keys, candidates);
  if (matched === -1) {
    return refuse('SignatureMismatch', 'signature', steps, `HMAC-${scheme.algorithm} with ${sizes(keys)}`);
  }
  steps.push({
    step: 'signature',
    ok: true,
    detail: `HMAC-${scheme.algorithm} over ${scheme.signed.text}, secret ${matched + 1} of ${keys.length}`,
  });
  return checkFreshness(scheme, request, steps, time, nowMs);
}

function checkFreshness(
  scheme: SignatureScheme,
  request: RawRequest,
  steps: Step[],
  time: number | undefined,
  nowMs: number,
): Verdict {
  const { digestHeader } = scheme.signed;
  if (digestHeader !== undefined) {
    const digest = checkBodyDigest(digestHeader, request.headers.get(digestHeader)?.[0] ?? '', request.body);
    if (digest === 'none') return refuse('DigestMissing', 'body digest', steps, digestHeader);
    if (digest === 'mismatch') return refuse('DigestMismatch', 'body digest', steps, digestHeader);
    steps.push({ step: 'body digest', ok: true, detail: digestHeader });
  }
  if (scheme.timestamp !== undefined && time !== undefined && scheme.timestamp.toleranceMs > 0) {
    const off = Math.round((nowMs - time) / 1000);
    const detail = `${Math.abs(off)} s ${off < 0 ? 'ahead' : 'old'}, allowed ${scheme.timestamp.toleranceMs / 1000} s`;
    if (!withinTolerance(time, nowMs, scheme.timestamp)) {
      return { ...refuse('TimestampOutsideTolerance', 'timestamp', steps, detail), signedAtMs: time };
    }
    steps.push({ step: 'timestamp', ok: true, detail });
  }
  return accept('signature', steps);
}

function decodeCandidates(signatures: readonly string[], scheme: SignatureScheme): readonly Buffer[] {
  const candidates: Buffer[] = [];
  for (const signature of signatures) {
    const digest = decodeDigest(signature, scheme.encoding, digestLengths[scheme.algorithm]);
    if (digest !== undefined) candidates.push(digest);
  }
  return candidates;
}

function readTimestamp(rule: TimestampRule, request: RawRequest, inSignature: string | undefined): string | undefined {
  if ('field' in rule.from) return inSignature;
  const header = singleHeader(request, rule.from.header);
  return header.kind === 'one' ? header.value : undefined;
}

/** Position of the key that made one of the candidates, or -1; every key and candidate is compared, in constant time. */
function findMatch(
  algorithm: HmacAlgorithm,
  chunks: readonly (string | Uint8Array)[],
  keys: readonly KeyObject[],
  candidates: readonly Buffer[],
): number {
  let matched = -1;
  for (const [index, key] of keys.entries()) {
    const digest = computeDigest(algorithm, chunks, key);
    for (const candidate of candidates) {
      if (timingSafeEqual(digest, candidate) && matched === -1) matched = index;
    }
  }
  return matched;
}

function computeDigest(algorithm: HmacAlgorithm, chunks: readonly (string | Uint8Array)[], key: KeyObject): Buffer {
  const hmac = createHmac(algorithm, key);
  for (const chunk of chunks) {
    if (typeof chunk === 'string') hmac.update(chunk, 'latin1');
    else hmac.update(chunk);
  }
  return hmac.digest();
}

/** What a sender knows when it signs. */
export interface SigningInput {
  readonly method: string;
  readonly url: string;
  readonly body: Uint8Array;
  /** Headers (lower case) already chosen; parts of the template that name others are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly id: string;
  readonly nowMs: number;
}

/** The headers a genuine sender would add: signature, time, id and the headers its template names. */
export function signWithScheme(scheme: SignatureScheme, input: SigningInput, key: KeyObject): Record<string, string> {
  const headers: Record<string, string> = { ...input.headers };
  const timestamp = scheme.timestamp === undefined ? undefined : formatTimestamp(input.nowMs, scheme.timestamp.unit);
  if (scheme.timestamp !== undefined && timestamp !== undefined && 'header' in scheme.timestamp.from) {
    headers[scheme.timestamp.from.header] = timestamp;
  }
  if (scheme.idHeader !== undefined) headers[scheme.idHeader] ??= input.id;
  for (const part of scheme.signed.parts) {
    if (part.kind !== 'header' || headers[part.name] !== undefined) continue;
    if (part.name === 'content-digest' || part.name === 'digest') {
      headers[part.name] = writeBodyDigest(part.name, input.body);
    } else {
      headers[part.name] = part.name === 'date' ? new Date(input.nowMs).toUTCString() : input.id;
    }
  }
  const request: RawRequest = {
    method: input.method,
    target: '',
    publicUrl: input.url,
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
    query: new Map(),
    params: new Map(),
    body: input.body,
  };
  const id = scheme.idHeader === undefined ? undefined : headers[scheme.idHeader];
  const rendered = renderTemplate(scheme.signed, request, {
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(id === undefined ? {} : { id }),
    ...(scheme.url === undefined ? {} : { url: scheme.url }),
  });
  if (!rendered.ok) throw new Error(`cannot sign: ${rendered.part} of "${scheme.signed.text}" has no usable value`);
  const signature = computeDigest(scheme.algorithm, rendered.chunks, key).toString(scheme.encoding);
  headers[scheme.header] = writeEntries([signature], scheme, timestamp);
  return headers;
}
