/** Decodes signatures as senders write them, strictly: one text for each value apart from case and base64 alphabet. */

export type DigestEncoding = 'hex' | 'base64';

const hexText = /^[0-9a-fA-F]*$/;
const base64Text = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** The bytes of a hex text of either case, or undefined. */
export function decodeHex(text: string, length?: number): Buffer | undefined {
  if (text.length % 2 !== 0 || (length !== undefined && text.length !== length * 2) || !hexText.test(text)) {
    return undefined;
  }
  return Buffer.from(text, 'hex');
}

/** The bytes of a base64 text of either alphabet, padded or not; unused bits of the last character must be zero. */
export function decodeBase64(text: string, length?: number): Buffer | undefined {
  if (length !== undefined && text.length > Math.ceil(length / 3) * 4) return undefined;
  if (!base64Text.test(text)) return undefined;
  const bare = text.replace(/=+$/, '');
  if (bare.length !== text.length && text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(bare, 'base64');
  if (length !== undefined && bytes.length !== length) return undefined;
  const canonical = bytes.toString('base64url');
  return canonical === bare.replaceAll('+', '-').replaceAll('/', '_') ? bytes : undefined;
}

/** Decodes a digest of exactly `length` bytes. */
export function decodeDigest(text: string, encoding: DigestEncoding, length: number): Buffer | undefined {
  return encoding === 'hex' ? decodeHex(text, length) : decodeBase64(text, length);
}
