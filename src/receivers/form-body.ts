/** Reads `application/x-www-form-urlencoded` bodies: fields in order, bounded, never a prototype's names. */
import { compareTexts } from '../function/compare-texts.ts';
import { isObject } from '../function/is-object.ts';
import { parseJson } from '../function/parse-json.ts';

export const maxFormFields = 10_000;
export const formType = 'application/x-www-form-urlencoded';

interface Unescaped {
  readonly bytes: Buffer;
  /** An escape is not two hexadecimal digits: it stands as it was. */
  readonly broken: boolean;
}

const plus = 0x2b;
const percent = 0x25;
const ampersand = 0x26;
const blank = 0x20;

/** The value of each hexadecimal digit; -1: none. */
const digits = Int8Array.from({ length: 256 }, (_, byte) => '0123456789abcdef'.indexOf(String.fromCharCode(byte)));
for (let byte = 0x41; byte <= 0x46; byte += 1) digits[byte] = byte - 0x37;

/** Decodes `+` and percent escapes to bytes. */
function unescapeForm(form: Buffer): Unescaped {
  if (!form.includes(percent) && !form.includes(plus)) return { bytes: form, broken: false };
  const bytes = Buffer.allocUnsafe(form.length);
  let length = 0;
  let broken = false;
  for (let at = 0; at < form.length; at += 1) {
    // Asserted, not defaulted: twice as fast.
    const byte = form[at] as number;
    if (byte === percent) {
      const high = at + 2 < form.length ? (digits[form[at + 1] as number] as number) : -1;
      const low = high < 0 ? -1 : (digits[form[at + 2] as number] as number);
      if (low >= 0) {
        bytes[length++] = high * 16 + low;
        at += 2;
        continue;
      }
      broken = true;
    }
    bytes[length++] = byte === plus ? blank : byte;
  }
  return { bytes: bytes.subarray(0, length), broken };
}

/** Bytes that are not UTF-8 become U+FFFD, a broken escape stays as it is. */
const formText = (form: Buffer): string => unescapeForm(form).bytes.toString('utf8');

const bufferOf = (body: Uint8Array): Buffer => Buffer.from(body.buffer, body.byteOffset, body.byteLength);

/** Name and value of a pair; a pair without `=` is a name. */
function splitPair(pair: Buffer): readonly [Buffer, Buffer] {
  const equals = pair.indexOf(0x3d);
  return equals === -1 ? [pair, pair.subarray(pair.length)] : [pair.subarray(0, equals), pair.subarray(equals + 1)];
}

/** The pairs that are not empty; undefined: more than `maxFormFields`. */
function formPairs(body: Uint8Array): readonly Buffer[] | undefined {
  const bytes = bufferOf(body);
  const pairs: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += 1) {
    // A search costs as much as reading a hundred bytes: a body of nothing but `&` would have one made for each.
    if (bytes[start] === ampersand) continue;
    if (pairs.length >= maxFormFields) return undefined;
    const found = bytes.indexOf(ampersand, start);
    const end = found === -1 ? bytes.length : found;
    pairs.push(bytes.subarray(start, end));
    start = end;
  }
  return pairs;
}

/** Name and value of each field in order of arrival; undefined: more than `maxFormFields`. */
export function readFormFields(body: Uint8Array): readonly (readonly [string, string])[] | undefined {
  return formPairs(body)?.map((pair) => {
    const [name, value] = splitPair(pair);
    return [formText(name), formText(value)] as const;
  });
}

/** The first value of one field, without decoding the others. */
export function readFormField(body: Uint8Array, name: string): string | undefined {
  const bytes = bufferOf(body);
  const needle = Buffer.from(`${encodeURIComponent(name)}=`);
  let from = 0;
  for (;;) {
    const at = bytes.indexOf(needle, from);
    if (at === -1) return undefined;
    if (at === 0 || bytes[at - 1] === ampersand) {
      const start = at + needle.length;
      const end = bytes.indexOf(ampersand, start);
      return formText(bytes.subarray(start, end === -1 ? bytes.length : end));
    }
    from = at + 1;
  }
}

/** Whether the form is one field of that name, its name written in the plain way that `readFormField` finds. */
export function hasOnlyField(body: Uint8Array, name: string): boolean {
  const bytes = bufferOf(body);
  return !bytes.includes(ampersand) && bytes.subarray(0, name.length + 1).equals(Buffer.from(`${name}=`));
}

/**
 * The fields as Twilio and Mandrill sign them: sorted by name, each name followed by its values, those sorted and each once.
 * Bytes of the wire, one per character; undefined: too many fields, or not readable in one way only.
 */
export function sortedFormText(body: Uint8Array): string | undefined {
  const pairs = formPairs(body);
  if (pairs === undefined) return undefined;
  const fields: (readonly [string, string])[] = [];
  for (const pair of pairs) {
    const [word, rest] = splitPair(pair);
    const [name, value] = [unescapeForm(word), unescapeForm(rest)];
    if (name.broken || value.broken) return undefined;
    fields.push([name.bytes.toString('latin1'), value.bytes.toString('latin1')]);
  }
  fields.sort(([a, b], [c, d]) => (a === c ? compareTexts(b, d) : compareTexts(a, c)));
  let signed = '';
  for (const [index, [name, value]] of fields.entries()) {
    const before = fields[index - 1];
    if (before?.[0] !== name || before[1] !== value) signed += name + value;
  }
  return signed;
}

/** A form from the members of a JSON object, nested ones as `data[email]`: what `send` makes of JSON for form senders. */
export function formOfJson(body: Uint8Array): Uint8Array {
  let value: unknown;
  try {
    value = parseJson(Buffer.from(body).toString('utf8'));
  } catch {
    // Not JSON: it is taken for a form that is written already.
    return body;
  }
  if (!isObject(value)) return body;
  const form = new URLSearchParams();
  const add = (name: string, member: unknown): void => {
    if (typeof member !== 'object' || member === null) {
      form.append(name, typeof member === 'string' ? member : JSON.stringify(member ?? ''));
      return;
    }
    for (const [key, inner] of Object.entries(member)) add(`${name}[${key}]`, inner);
  };
  for (const [name, member] of Object.entries(value)) add(name, member);
  return Buffer.from(form.toString());
}
