/** The values inside a signature header: one, a list, or a list with a time and several versions beside each other. */

/** How a sender writes its signatures into one header. */
export interface EntryFormat {
  /** Text before each signature: `sha256=`, `v1=`, `v1,`. */
  readonly prefix: string;
  /** Between several entries; absent: the header holds one. */
  readonly separator?: string;
  /** Field that holds the time: `t` in `t=…,v1=…`. */
  readonly timestampField?: string;
}

export interface SignatureEntries {
  /** Encoded signatures, without prefix. */
  readonly signatures: readonly string[];
  readonly timestamp?: string;
}

const maxHeaderLength = 8192;
const maxEntries = 16;

/** Splits a header; undefined: not the form of this sender. Entries with another prefix are other versions and skipped. */
export function readEntries(value: string, format: EntryFormat): SignatureEntries | undefined {
  if (value.length > maxHeaderLength) return undefined;
  const entries = format.separator === undefined ? [value] : value.split(format.separator);
  if (entries.length > maxEntries) return undefined;
  const signatures: string[] = [];
  let timestamp: string | undefined;
  for (const raw of entries) {
    const entry = raw.trim();
    if (format.timestampField !== undefined && entry.startsWith(`${format.timestampField}=`)) {
      // Two times in one header: which of them was signed is not ours to guess.
      if (timestamp !== undefined) return undefined;
      timestamp = entry.slice(format.timestampField.length + 1);
    } else if (entry.startsWith(format.prefix) && entry.length > format.prefix.length) {
      signatures.push(entry.slice(format.prefix.length));
    }
  }
  if (signatures.length === 0) return undefined;
  return timestamp === undefined ? { signatures } : { signatures, timestamp };
}

/** Writes a header as `readEntries` reads it. */
export function writeEntries(signatures: readonly string[], format: EntryFormat, timestamp?: string): string {
  const time = format.timestampField === undefined ? [] : [`${format.timestampField}=${timestamp ?? ''}`];
  return [...time, ...signatures.map((signature) => `${format.prefix}${signature}`)].join(format.separator ?? '');
}
