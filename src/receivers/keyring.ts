/** Keys made from secrets once and remembered as long as the secret lives: building a key costs more than a signature. */
import { createSecretKey, KeyObject } from 'node:crypto';

/** Turns a secret as stored into key bytes, or into a key of another kind; undefined: it is not of the declared form. */
export type DecodeSecret = (secret: Uint8Array) => Uint8Array | KeyObject | undefined;

export interface Keyring {
  /** The keys of usable secrets, in order; an empty or undecodable secret verifies nothing. */
  keys(secrets: readonly Uint8Array[]): readonly KeyObject[];
}

/** Bytes of a decoded secret; asymmetric keys of all kinds are long enough and count as 32. */
export function keyBytes(decoded: Uint8Array | KeyObject | undefined): number {
  return decoded instanceof KeyObject ? (decoded.symmetricKeySize ?? 32) : (decoded?.length ?? 0);
}

function toKey(decoded: Uint8Array | KeyObject | undefined): KeyObject | null {
  if (decoded instanceof KeyObject) return decoded;
  return decoded === undefined || decoded.length === 0 ? null : createSecretKey(decoded);
}

/** A keyring of one receiver. */
export function createKeyring(decode: DecodeSecret): Keyring {
  const known = new WeakMap<Uint8Array, KeyObject | null>();
  const keyOf = (secret: Uint8Array): KeyObject | null => {
    const made = known.get(secret);
    if (made !== undefined) return made;
    const key = toKey(decode(secret));
    known.set(secret, key);
    return key;
  };
  return {
    keys: (secrets) => {
      const keys: KeyObject[] = [];
      for (const secret of secrets) {
        const key = keyOf(secret);
        if (key !== null) keys.push(key);
      }
      return keys;
    },
  };
}
