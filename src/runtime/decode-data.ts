/** Decodes declared JSON before Lua runs, so that a body that does not parse is the sender's failure; other types wait. */
import { closingQuote, decodeJson } from '../host/json-decode.ts';
import { JsonProblem } from '../host/json-problem.ts';
import { jsonDecodeLimits } from '../host/json.ts';
import { bodyKind, decodeBody, type ParsedJson } from '../receivers/decode-body.ts';
import { jsonNull, type LuaInput } from '../lua/types.ts';
import type { HttpCall } from './http-call.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

/** The media type in lower case without parameters. */
export function mediaType(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const at = contentType.indexOf(';');
  return (at === -1 ? contentType : contentType.slice(0, at)).trim().toLowerCase();
}

export function decodeData(call: HttpCall, parts: WorkerParts): void {
  if (call.body.length === 0) return undefined;
  const type = mediaType(call.identified?.contentType ?? call.head.contentType);
  const formField = call.identified?.formField;
  if (bodyKind(type) !== 'json' && formField === undefined) return undefined;
  const began = parts.clock.monotonic();
  const decoded = decodeBody(type, call.body, formField, parseJson);
  call.decodeMs = parts.clock.monotonic() - began;
  if (decoded.kind === 'failure') {
    const coding = call.firstHeader('content-encoding')?.trim().toLowerCase();
    if (coding !== undefined && coding !== '' && coding !== 'identity') return refuseCoding(call, parts);
    call.note('decode', false, decoded.message);
    return refuse(call, parts, decoded.code, { outcome: 'error', publicDetail: decoded.message });
  }
  call.data = decoded.kind === 'empty' ? undefined : decoded.value;
  call.decoded = true;
  return undefined;
}

/** RFC 9110 §15.5.16: which codings would be taken is said with the refusal. */
function refuseCoding(call: HttpCall, parts: WorkerParts): void {
  const publicDetail = 'the body has a Content-Encoding, and none is decoded here: send it uncompressed';
  call.note('decode', false, publicDetail);
  return refuse(call, parts, 'UnsupportedMediaType', {
    outcome: 'error',
    publicDetail,
    headers: [['accept-encoding', 'identity']],
  });
}

/** What is wrong with bytes that are to be JSON, after the words for them; undefined: nothing, or they are of another type. */
export function mistakeInJson(contentType: string, body: Uint8Array): string | undefined {
  const type = mediaType(contentType);
  if (bodyKind(type) !== 'json') return undefined;
  const decoded = decodeBody(type, body, undefined, parseJson);
  return decoded.kind === 'failure' ? decoded.message.replace(/^the body /, '') : undefined;
}

/** The value for `event.data` of bytes and their type; what does not parse is nil here, it was refused before. */
export function decodeForLua(
  contentType: string | undefined,
  body: Uint8Array,
  formField: string | undefined,
): LuaInput {
  const decoded = decodeBody(mediaType(contentType), body, formField, parseJson);
  return decoded.kind === 'empty' || decoded.kind === 'failure' ? undefined : toLua(decoded.value);
}

/** A top-level JSON null is visible as `json.null`; inside, the engine's own rules hold. */
export function toLua(value: unknown): LuaInput {
  return value === null ? jsonNull : (value as LuaInput);
}

/** Blanks, numbers and punctuation are read one by one: with more of them, reading would hold the thread too long. */
const maxOutsideStrings = 2 * 1024 * 1024;

/**
 * The reader of `json.decode` and its limits: `event.data` and `json.decode(event.body)` are the same, 64-bit integers
 * included. A body may be longer than a text given to `json.decode`: by its strings.
 */
function parseJson(text: string): ParsedJson {
  if (text.length > maxOutsideStrings && lengthOutsideStrings(text, maxOutsideStrings) > maxOutsideStrings) {
    return { ok: false, message: `has more than ${maxOutsideStrings} characters of JSON outside of strings` };
  }
  try {
    return { ok: true, value: decodeJson(text, jsonDecodeLimits) };
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    if (error.overLimit) return { ok: false, message: `has ${error.reason}` };
    return {
      ok: false,
      message: `is declared as JSON and cannot be read: line ${error.line}, column ${error.column}`,
    };
  }
}

/** Stops counting above `most`. */
function lengthOutsideStrings(text: string, most: number): number {
  let length = 0;
  for (let at = 0; at < text.length && length <= most;) {
    const open = text.indexOf('"', at);
    if (open < 0) return length + text.length - at;
    length += open - at;
    const close = closingQuote(text, open);
    if (close < 0) return length;
    at = close + 1;
  }
  return length;
}
