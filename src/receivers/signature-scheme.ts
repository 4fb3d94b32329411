/** Verifies and makes signatures by description: most named senders and `hmac` differ only in this data. */
import type { KeyObject } from 'node:crypto';
import { checkBodyDigest, writeBodyDigest } from './body-digest.ts';
import { decodeDigest, type DigestEncoding } from './decode-digest.ts';
import { hasOnlyField } from './form-body.ts';
import { singleHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import {
  algorithmTitle,
  computeSignature,
  findSigner,
  fits,
  mostCandidates,
  signatureLengths,
  type SignatureAlgorithm,
} from './signature-algorithm.ts';
import { readEntries, writeEntries, type EntryFormat } from './signature-entries.ts';
import { renderTemplate, type SignedTemplate, type TemplateValues } from './signed-template.ts';
import { formatTimestamp, parseTimestamp, withinTolerance, type TimestampRule } from './timestamp.ts';
import type { RawRequest, Step, Verdict } from './types.ts';
import { accept, refuse } from './verdict.ts';

/** Everything that differs between senders that sign. */
export interface SignatureScheme extends EntryFormat {
  readonly algorithm: SignatureAlgorithm;
  /** Lower case. */
  readonly header: string;
  readonly encoding: DigestEncoding;
  readonly signed: SignedTemplate;
  readonly timestamp?: TimestampRule;
  /** Header (lower case) that fills `{id}`. */
  readonly idHeader?: string;
  /** The URL as registered at the sender, instead of the public URL of the request. */
  readonly url?: string;
  /** The forms in which the sender may have signed the URL; the first is what `send` signs. */
  readonly urlForms?: (url: string, request: RawRequest) => readonly string[];
  /** The form has this one field: names and values are signed without a border between them. */
  readonly onlyField?: string;
  /** How the signed text covers the body where the template does not: a digest in the URL. */
  readonly checkBody?: (request: RawRequest) => 'match' | 'mismatch' | 'none';
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
  if (candidates.length === 0 || candidates.length > mostCandidates(scheme.algorithm)) {
    return refuse('SignatureMalformed', 'signature header', [], scheme.header);
  }
  const steps: Step[] = [{ step: 'signature header', ok: true, detail: scheme.header }];

  let time: number | undefined;
  let timestamp: string | undefined;
  if (scheme.timestamp !== undefined && !('body' in scheme.timestamp.from)) {
    const read = readTimestamp(scheme.timestamp.from, request, entries.timestamp);
    if (read === undefined) return refuse('TimestampMissing', 'timestamp', steps);
    timestamp = read;
    time = parseTimestamp(read, scheme.timestamp.unit);
    if (time === undefined) return refuse('TimestampMalformed', 'timestamp', steps);
  }
  const id = scheme.idHeader === undefined ? undefined : singleHeader(request, scheme.idHeader);
  const values = {
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(id?.kind === 'one' ? { id: id.value } : {}),
  };
  if (scheme.onlyField !== undefined && !hasOnlyField(request.body, scheme.onlyField)) {
    return refuse('PartMalformed', 'signed text', steps, `form field ${scheme.onlyField}`);
  }
  let matched = -1;
  for (const url of urlsOf(scheme, request)) {
    const rendered = renderTemplate(scheme.signed, request, { ...values, url });
    if (!rendered.ok) return refuse(rendered.reason, 'signed text', steps, rendered.part);
    matched = findSigner(scheme.algorithm, rendered.chunks, keys, candidates);
    if (matched !== -1) break;
  }
  const title = algorithmTitle(scheme.algorithm);
  if (matched === -1) return refuse('SignatureMismatch', 'signature', steps, `${title} with ${sizes(keys)}`);
  steps.push({
    step: 'signature',
    ok: true,
    detail: `${title} over ${scheme.signed.text}, secret ${matched + 1} of ${keys.length}`,
  });
  return checkCovered(scheme, request, steps, time, nowMs);
}

/** Judges by every scheme in turn: the first that passes, else the refusal that came farthest. */
export function verifyAnyScheme(
  schemes: readonly SignatureScheme[],
  request: RawRequest,
  keys: readonly KeyObject[],
  nowMs: number,
): Verdict {
  let refusal: Verdict | undefined;
  for (const scheme of schemes) {
    const usable = schemes.length === 1 ? keys : keys.filter((key) => fits(scheme.algorithm, key));
    if (usable.length === 0) continue;
    const verdict = verifySignature(scheme, request, usable, nowMs);
    if (verdict.verdict === 'verified') return verdict;
    if (refusal === undefined || verdict.steps.length > refusal.steps.length) refusal = verdict;
  }
  return refusal ?? refuse('SecretMalformed', 'secrets');
}

function urlsOf(scheme: SignatureScheme, request: RawRequest): readonly string[] {
  const url = scheme.url ?? request.publicUrl;
  return scheme.urlForms === undefined ? [url] : scheme.urlForms(url, request);
}

/** What the signature stands for beyond itself: the body by its digest, and the time. */
function checkCovered(
  scheme: SignatureScheme,
  request: RawRequest,
  steps: Step[],
  time: number | undefined,
  nowMs: number,
): Verdict {
  const { digestHeader } = scheme.signed;
  if (digestHeader !== undefined || scheme.checkBody !== undefined) {
    const place = digestHeader ?? 'URL';
    const digest =
      scheme.checkBody?.(request) ??
      checkBodyDigest(digestHeader ?? 'digest', request.headers.get(place)?.[0] ?? '', request.body);
    if (digest === 'none') return refuse('DigestMissing', 'body digest', steps, place);
    if (digest === 'mismatch') return refuse('DigestMismatch', 'body digest', steps, place);
    steps.push({ step: 'body digest', ok: true, detail: place });
  }
  if (scheme.timestamp === undefined) return accept('signature', steps);
  let signedAt = time;
  if ('body' in scheme.timestamp.from) {
    const text = readJsonText(request.body, scheme.timestamp.from.body);
    if (text === undefined) return refuse('TimestampMissing', 'timestamp', steps);
    signedAt = parseTimestamp(text, scheme.timestamp.unit);
    if (signedAt === undefined) return refuse('TimestampMalformed', 'timestamp', steps);
  }
  return checkFreshness(scheme.timestamp, steps, signedAt ?? 0, nowMs);
}

function checkFreshness(rule: TimestampRule, steps: Step[], time: number, nowMs: number): Verdict {
  if (rule.toleranceMs === 0) return accept('signature', steps);
  const off = Math.round((nowMs - time) / 1000);
  const detail = `${Math.abs(off)} s ${off < 0 ? 'ahead' : 'old'}, allowed ${rule.toleranceMs / 1000} s`;
  if (!withinTolerance(time, nowMs, rule)) {
    return { ...refuse('TimestampOutsideTolerance', 'timestamp', steps, detail), signedAtMs: time };
  }
  steps.push({ step: 'timestamp', ok: true, detail });
  return accept('signature', steps);
}

function decodeCandidates(signatures: readonly string[], scheme: SignatureScheme): readonly Buffer[] {
  const candidates: Buffer[] = [];
  for (const signature of signatures) {
    const digest = decodeDigest(signature, scheme.encoding, signatureLengths[scheme.algorithm]);
    if (digest !== undefined) candidates.push(digest);
  }
  return candidates;
}

function readTimestamp(
  from: { readonly header: string } | { readonly field: string },
  request: RawRequest,
  inSignature: string | undefined,
): string | undefined {
  if ('field' in from) return inSignature;
  const header = singleHeader(request, from.header);
  return header.kind === 'one' ? header.value : undefined;
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

/** The request that is about to be signed, as a receiver would see it. */
export function unsignedRequest(input: Omit<SigningInput, 'id' | 'nowMs'>): RawRequest {
  const query = new Map<string, string[]>();
  const start = input.url.indexOf('?');
  for (const [name, value] of start === -1 ? [] : new URLSearchParams(input.url.slice(start + 1))) {
    query.set(name, [...(query.get(name) ?? []), value]);
  }
  return {
    method: input.method,
    target: '',
    publicUrl: input.url,
    headers: new Map(Object.entries(input.headers).map(([name, value]) => [name, [value]])),
    query,
    params: new Map(),
    body: input.body,
  };
}

/** The headers a genuine sender would add: signature, time, id and the headers its template names. */
export function signWithScheme(scheme: SignatureScheme, input: SigningInput, key: KeyObject): Record<string, string> {
  const headers: Record<string, string> = { ...input.headers };
  const rule = scheme.timestamp;
  const timestamp = rule === undefined || 'body' in rule.from ? undefined : formatTimestamp(input.nowMs, rule.unit);
  if (rule !== undefined && timestamp !== undefined && 'header' in rule.from) headers[rule.from.header] = timestamp;
  if (scheme.idHeader !== undefined) headers[scheme.idHeader] ??= input.id;
  for (const part of scheme.signed.parts) {
    if (part.kind !== 'header' || headers[part.name] !== undefined) continue;
    if (part.name === 'content-digest' || part.name === 'digest') {
      headers[part.name] = writeBodyDigest(part.name, input.body);
    } else {
      headers[part.name] = part.name === 'date' ? new Date(input.nowMs).toUTCString() : input.id;
    }
  }
  const request = unsignedRequest({ ...input, headers });
  const id = scheme.idHeader === undefined ? undefined : headers[scheme.idHeader];
  const [url = input.url] = urlsOf(scheme, request);
  const values: TemplateValues = {
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(id === undefined ? {} : { id }),
    url,
  };
  const rendered = renderTemplate(scheme.signed, request, values);
  if (!rendered.ok) throw new Error(`cannot sign: ${rendered.part} of "${scheme.signed.text}" has no usable value`);
  const signature = computeSignature(scheme.algorithm, rendered.chunks, key).toString(scheme.encoding);
  headers[scheme.header] = writeEntries([signature], scheme, timestamp);
  return headers;
}
