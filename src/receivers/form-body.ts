/** Reads `application/x-www-form-urlencoded` bodies: fields in order, bounded, never a prototype's names. */
import { parseJson } from '../function/parse-json.ts';

export const maxFormFields = 10_000;
export const formType = 'application/x-www-form-urlencoded';

/** Decodes `+` and percent escapes; bytes that are not UTF-8 become U+FFFD, a broken escape stays as it is. */
export function decodeFormText(text: string): string {
  const spaced = Buffer.from(text.replaceAll('+', ' '), 'latin1').toString('utf8');
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Not all escapes are UTF-8: the lenient decoder of the URL standard keeps what it cannot read.
    const escaped = spaced.replaceAll(' ', '+').replaceAll('&', '%26');
    return new URLSearchParams(`v=${escaped}`).get('v') ?? '';
  }
}

/** Name and value of each field in order of arrival; undefined: more than `maxFormFields`. */
export function readFormFields(body: Uint8Array): readonly (readonly [string, string])[] | undefined {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  const fields: (readonly [string, string])[] = [];
  let start = 0;
  while (start <= text.length) {
    const ampersand = text.indexOf('&', start);
    const end = ampersand === -1 ? text.length : ampersand;
    if (end > start) {
      if (fields.length >= maxFormFields) return undefined;
      const pair = text.slice(start, end);
      const equals = pair.indexOf('=');
      fields.push(
        equals === -1
          ? [decodeFormText(pair), '']
          : [decodeFormText(pair.slice(0, equals)), decodeFormText(pair.slice(equals + 1))],
      );
    }
    start = end + 1;
  }
  return fields;
}

/** The first value of one field, without decoding the others. */
export function readFormField(body: Uint8Array, name: string): string | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const needle = Buffer.from(`${encodeURIComponent(name)}=`);
  let from = 0;
  for (;;) {
    const at = bytes.indexOf(needle, from);
    if (at === -1) return undefined;
    if (at === 0 || bytes[at - 1] === 0x26) {
      const start = at + needle.length;
      const end = bytes.indexOf(0x26, start);
      return decodeFormText(bytes.toString('latin1', start, end === -1 ? bytes.length : end));
    }
    from = at + 1;
  }
}

/** Whether the form is one field of that name, its name written in the plain way that `readFormField` finds. */
export function hasOnlyField(body: Uint8Array, name: string): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return !bytes.includes(0x26) && bytes.subarray(0, name.length + 1).equals(Buffer.from(`${name}=`));
}

/** Decodes to bytes of the wire, one per character; undefined: an escape is broken, so there is no one way to read it. */
function decodeFormBytes(text: string): string | undefined {
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  if (/%(?![0-9A-Fa-f]{2})/.test(spaced)) return undefined;
  return spaced.replaceAll(/%[0-9A-Fa-f]{2}/g, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
}

/**
 * The fields as Twilio and Mandrill sign them: sorted by name, each name followed by its values, those sorted and each once.
 * Bytes of the wire, one per character; undefined: too many fields, or not readable in one way only.
 */
export function sortedFormText(body: Uint8Array): string | undefined {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
  const pairs = text.split('&', maxFormFields + 1);
  if (pairs.length > maxFormFields) return undefined;
  const fields = new Map<string, Set<string>>();
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeFormBytes(equals === -1 ? pair : pair.slice(0, equals));
    const value = decodeFormBytes(equals === -1 ? '' : pair.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    const values = fields.get(name);
    if (values === undefined) fields.set(name, new Set([value]));
    else values.add(value);
  }
  const chunks: string[] = [];
  for (const name of [...fields.keys()].sort()) {
    for (const value of [...(fields.get(name) ?? [])].sort()) chunks.push(name, value);
  }
  return chunks.join('');
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
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return body;
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
