/** `verify --guess`: finds out how an unnamed vendor signed a captured request, as a description for the receiver `hmac`. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { receivers } from './catalogue.ts';
import { decodeBase64, decodeHex } from './decode-digest.ts';
import { signatureLengths } from './signature-algorithm.ts';
import { verifySignature, type SignatureScheme } from './signature-scheme.ts';
import { parseTemplate } from './signed-template.ts';
import { parseTimestamp, type TimeUnit } from './timestamp.ts';
import type { FetchDocument, RawRequest } from './types.ts';

/** What fits a request. */
export interface Guess {
  /** A receiver of the catalogue, or `hmac`. */
  readonly receiver: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** For people: which secret, decoded how. */
  readonly detail: string;
}

const algorithms = ['sha256', 'sha1', 'sha512', 'sha384'] as const;
type HmacAlgorithm = (typeof algorithms)[number];

/** Where a signature may stand: a header with what surrounds it. */
interface Candidate {
  readonly header: string;
  readonly prefix: string;
  readonly encoding: 'hex' | 'base64';
  readonly algorithm: HmacAlgorithm;
  readonly separator?: string;
  /** Field of the same header that holds a time: `t`. */
  readonly timestampField?: string;
  readonly timestamp?: string;
}

const maxCandidates = 24;

/** Encodings a text could be a digest in, with the algorithms of that length. */
function digestsOf(text: string): readonly Pick<Candidate, 'encoding' | 'algorithm'>[] {
  return (['hex', 'base64'] as const).flatMap((encoding) => {
    const bytes = encoding === 'hex' ? decodeHex(text) : decodeBase64(text);
    return algorithms
      .filter((algorithm) => bytes?.length === signatureLengths[algorithm])
      .map((algorithm) => ({ encoding, algorithm }));
  });
}

/** `sha256=…`, `v1,…`, a bare digest: the text before it is the prefix. */
function splitEntry(entry: string): readonly { readonly prefix: string; readonly text: string }[] {
  const prefix = /^[A-Za-z][A-Za-z0-9_-]{0,15}(?:=|,|:| )/.exec(entry)?.[0];
  return [{ prefix: '', text: entry }, ...(prefix === undefined ? [] : [{ prefix, text: entry.slice(prefix.length) }])];
}

const timeField = /^(t|ts|timestamp|time)=(\d{9,14})$/;

function candidatesIn(header: string, value: string): readonly Candidate[] {
  const found: Candidate[] = [];
  for (const separator of [undefined, ',', ' ', ';']) {
    const entries = separator === undefined ? [value] : value.split(separator).map((entry) => entry.trim());
    if (separator !== undefined && entries.length < 2) continue;
    const time = entries.map((entry) => timeField.exec(entry)).find((match) => match !== null);
    for (const entry of entries) {
      for (const { prefix, text } of splitEntry(entry)) {
        for (const digest of digestsOf(text)) {
          found.push({
            header,
            prefix,
            ...digest,
            ...(separator === undefined ? {} : { separator }),
            ...(time === undefined ? {} : { timestampField: time[1] ?? '', timestamp: time[2] ?? '' }),
          });
        }
      }
    }
  }
  return found;
}

/** A time that may be part of the signed text. */
interface Time {
  readonly from: { readonly header: string } | { readonly field: string };
  readonly unit: TimeUnit;
}

function unitOf(text: string): TimeUnit | undefined {
  if (/^\d{9,11}$/.test(text)) return 's';
  if (/^\d{12,14}$/.test(text)) return 'ms';
  return parseTimestamp(text, 'rfc3339') === undefined ? undefined : 'rfc3339';
}

function timesOf(request: RawRequest, candidate: Candidate): readonly Time[] {
  const times: Time[] = [];
  if (candidate.timestampField !== undefined) {
    const unit = unitOf(candidate.timestamp ?? '');
    if (unit !== undefined) times.push({ from: { field: candidate.timestampField }, unit });
  }
  for (const [header, [value = '']] of request.headers) {
    const unit = unitOf(value);
    if (unit !== undefined && header !== 'content-length') times.push({ from: { header }, unit });
  }
  return times.slice(0, 4);
}

/** Headers that may be an id or another part of the signed text. */
function partsOf(request: RawRequest, candidate: Candidate): readonly string[] {
  const plain = new Set([
    'host',
    'content-length',
    'accept',
    'accept-encoding',
    'user-agent',
    'connection',
    'content-type',
  ]);
  return [...request.headers.keys()].filter((name) => name !== candidate.header && !plain.has(name)).slice(0, 12);
}

const plainTemplates = [
  '{body}',
  '{url}{body}',
  '{body}{url}',
  '{method}{url}{body}',
  '{method}{path}{body}',
  '{path}{body}',
];
const timedTemplates = [
  '{timestamp}.{body}',
  '{timestamp}{body}',
  '{timestamp}:{body}',
  '{timestamp},{body}',
  '{body}{timestamp}',
  '{body}.{timestamp}',
  'v0:{timestamp}:{body}',
  'v1:{timestamp}:{body}',
  '{method}{url}{body}{timestamp}',
  '{timestamp}{method}{path}{body}',
  '{timestamp}\n{body}',
];

function* templatesFor(
  request: RawRequest,
  candidate: Candidate,
): Generator<{ readonly signed: string; readonly time?: Time; readonly id?: string }> {
  for (const signed of plainTemplates) yield { signed };
  const times = timesOf(request, candidate);
  for (const time of times) for (const signed of timedTemplates) yield { signed, time };
  for (const header of partsOf(request, candidate)) {
    yield { signed: `{body}{header:${header}}` };
    yield { signed: `{header:${header}}{body}` };
    yield { signed: `{header:${header}}.{body}` };
    for (const time of times) {
      if ('header' in time.from && time.from.header === header) continue;
      yield { signed: '{id}.{timestamp}.{body}', time, id: header };
      yield { signed: '{timestamp}.{id}.{body}', time, id: header };
    }
  }
}

interface DecodedSecret {
  readonly key: KeyObject;
  readonly encoding: 'utf8' | 'base64' | 'hex';
  readonly index: number;
}

function decodeAll(secrets: readonly Uint8Array[]): readonly DecodedSecret[] {
  return secrets.flatMap((secret, index) => {
    const text = Buffer.from(secret).toString('latin1').trim();
    const forms = [
      { encoding: 'utf8', bytes: secret },
      { encoding: 'base64', bytes: decodeBase64(text) },
      { encoding: 'hex', bytes: decodeHex(text) },
    ] as const;
    return forms.flatMap(({ encoding, bytes }) =>
      bytes === undefined || bytes.length === 0 ? [] : [{ encoding, index, key: createSecretKey(bytes) }],
    );
  });
}

/** Receivers of the catalogue, then descriptions, that this request passes with one of the secrets. */
export async function guessScheme(
  request: RawRequest,
  secrets: readonly Uint8Array[],
  options: { readonly nowMs: number; readonly fetchDocument?: FetchDocument },
): Promise<readonly Guess[]> {
  const named = await guessReceiver(request, secrets, options.nowMs);
  return named.length > 0 ? named : guessDescription(request, secrets);
}

async function guessReceiver(
  request: RawRequest,
  secrets: readonly Uint8Array[],
  nowMs: number,
): Promise<readonly Guess[]> {
  const guesses: Guess[] = [];
  for (const [name, definition] of receivers) {
    // Only those that sign and need nothing told: what merely shows a secret would fit anything.
    if (definition.guide.vectors.length === 0 || name === 'hmac') continue;
    const prepared = definition.prepare({});
    if (!prepared.ok) continue;
    const verdict = await prepared.receiver.verify(request, { secrets }, { now: () => nowMs });
    const right = verdict.verdict === 'verified' ? verdict.proof === 'signature' : verdict.signedAtMs !== undefined;
    if (!right) continue;
    const old = verdict.verdict === 'refused' ? ', but its time is too far from now (--at)' : '';
    guesses.push({
      receiver: name,
      fields: {},
      detail: `the signature is the one of ${definition.profile.title}${old}`,
    });
  }
  return guesses;
}

function guessDescription(request: RawRequest, secrets: readonly Uint8Array[]): readonly Guess[] {
  const decoded = decodeAll(secrets.slice(0, 8));
  const candidates = [...request.headers].flatMap(([header, [value = '']]) =>
    value.length > 2048 ? [] : candidatesIn(header, value),
  );
  for (const candidate of candidates.slice(0, maxCandidates)) {
    for (const { signed, time, id } of templatesFor(request, candidate)) {
      const parsed = parseTemplate(signed);
      if (!parsed.ok) continue;
      const { prefix, header, encoding, algorithm, separator, timestampField } = candidate;
      const scheme: SignatureScheme = {
        algorithm,
        header,
        encoding,
        prefix,
        signed: parsed.template,
        ...(separator === undefined ? {} : { separator }),
        ...(timestampField === undefined ? {} : { timestampField }),
        ...(id === undefined ? {} : { idHeader: id }),
        // Captures are old: only the signature is asked.
        ...(time === undefined ? {} : { timestamp: { from: time.from, unit: time.unit, toleranceMs: 0 } }),
      };
      for (const secret of decoded) {
        if (verifySignature(scheme, request, [secret.key], 0).verdict !== 'verified') continue;
        return [{ receiver: 'hmac', fields: fieldsOf(scheme, secret, id), detail: detailOf(scheme, secret) }];
      }
    }
  }
  return [];
}

function detailOf(scheme: SignatureScheme, { index, encoding }: DecodedSecret): string {
  return `HMAC-${scheme.algorithm} over ${JSON.stringify(scheme.signed.text)}, secret ${index + 1} as ${encoding}`;
}

function fieldsOf(
  scheme: SignatureScheme,
  { encoding }: DecodedSecret,
  id: string | undefined,
): Readonly<Record<string, unknown>> {
  const { timestamp, prefix, separator } = scheme;
  const from = timestamp?.from;
  return {
    secretRefs: [{ name: 'NAME', key: 'KEY' }],
    ...(encoding === 'utf8' ? {} : { secretEncoding: encoding }),
    algorithm: scheme.algorithm,
    signature: {
      header: scheme.header,
      encoding: scheme.encoding,
      ...(prefix === '' ? {} : { prefix }),
      ...(separator === undefined ? {} : { separator }),
    },
    signed: scheme.signed.text,
    ...(timestamp === undefined || from === undefined
      ? {}
      : {
          timestamp: {
            ...('field' in from ? { from: 'signature', field: from.field } : from),
            unit: timestamp.unit,
            tolerance: '5m',
          },
        }),
    ...(id === undefined ? {} : { id: { header: id } }),
  };
}
