/** Decodes the body of a verified request by its content type: what Lua sees as `event.data`. */
import type { FailureCode } from '../failures/catalogue.ts';
import { parseJson } from '../function/parse-json.ts';
import { maxFormFields, readFormField, readFormFields } from './form-body.ts';

/** JSON and forms as plain values (objects of forms have no prototype); text as text; anything else stays raw. */
export type DecodedBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'form'; readonly value: Readonly<Record<string, string | readonly string[]>> }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'empty' }
  | { readonly kind: 'failure'; readonly code: FailureCode; readonly message: string };

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** Reads a JSON text; the message of a mistake continues `the body …` and holds nothing of the text. */
export type ParseJson = (text: string) => ParsedJson;

const utf8 = new TextDecoder('utf-8', { fatal: true });
/** What the engine takes; deeper documents are refused here, in words the sender can read. */
const maxJsonDepth = 64;

/** What a media type (lower case, without parameters) is decoded as. XML stays text: `xml.decode` reads it on demand. */
export function bodyKind(mediaType: string): 'json' | 'form' | 'text' | 'bytes' {
  if (mediaType === 'application/json' || mediaType.endsWith('+json') || mediaType === 'text/json') return 'json';
  if (mediaType === 'application/x-www-form-urlencoded') return 'form';
  if (mediaType.startsWith('text/') || mediaType === 'application/xml' || mediaType.endsWith('+xml')) return 'text';
  return 'bytes';
}

/**
 * Decodes once, after verification. `formField` is the field of a form that holds the JSON event (GitHub, Slack). JSON
 * that was declared and does not parse is a failure of the request, never a value for Lua.
 */
export function decodeBody(
  mediaType: string,
  body: Uint8Array,
  formField?: string,
  parseJson: ParseJson = parsePlainJson,
): DecodedBody {
  if (body.length === 0) return { kind: 'empty' };
  const kind = bodyKind(mediaType);
  if (kind === 'json') return decodeJson(body, 'the body', parseJson);
  if (kind === 'form') return decodeForm(body, formField, parseJson);
  return kind === 'text' ? decodeText(body) : { kind: 'bytes', value: body };
}

function invalid(message: string): DecodedBody {
  return { kind: 'failure', code: 'BodyInvalid', message };
}

function decodeText(body: Uint8Array): DecodedBody {
  try {
    return { kind: 'text', value: utf8.decode(body) };
  } catch {
    // Another character set than UTF-8: the bytes are handed over as they are.
    return { kind: 'bytes', value: body };
  }
}

function decodeJson(body: Uint8Array, what: string, parseJson: ParseJson): DecodedBody {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return invalid(`${what} is declared as JSON and is not UTF-8`);
  }
  const parsed = parseJson(text);
  return parsed.ok ? { kind: 'json', value: parsed.value } : invalid(`${what} ${parsed.message}`);
}

/** Plain values: for judging captures. Calls use the reader that `json.decode` of Lua uses. */
function parsePlainJson(text: string): ParsedJson {
  if (isTooDeep(text)) return { ok: false, message: `is nested deeper than ${maxJsonDepth} levels` };
  try {
    return { ok: true, value: parseJson(text) };
  } catch (error) {
    // The parser's message quotes the text around the mistake, which is the sender's data: only the place is kept.
    const place = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    return {
      ok: false,
      message: `is declared as JSON and does not parse${place === undefined ? '' : ` at byte ${place}`}`,
    };
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code === 0x22) {
      position = endOfText(text, position);
      if (position === -1) return false;
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > maxJsonDepth) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return -1;
}

function decodeForm(body: Uint8Array, formField: string | undefined, parseJson: ParseJson): DecodedBody {
  if (formField !== undefined) {
    const text = readFormField(body, formField);
    if (text !== undefined) return decodeJson(Buffer.from(text), `the form field ${formField}`, parseJson);
  }
  const fields = readFormFields(body);
  if (fields === undefined) return invalid(`the form has more than ${maxFormFields} fields`);
  const value = Object.create(null) as Record<string, string | string[]>;
  for (const [name, text] of fields) {
    const present = value[name];
    if (present === undefined) value[name] = text;
    else if (typeof present === 'string') value[name] = [present, text];
    else present.push(text);
  }
  return { kind: 'form', value };
}
