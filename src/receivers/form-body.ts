/** Reads `application/x-www-form-urlencoded` bodies: fields in order, bounded, never a prototype's names. */

export const maxFormFields = 10_000;

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
