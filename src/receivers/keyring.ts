/** Keys made from secrets once and remembered as long as the secret lives: building a key costs more than a signature. */
import { createSecretKey, type KeyObject } from 'node:crypto';

/** Turns a secret as stored into key bytes; undefined: it is not of the declared encoding. */
export type DecodeSecret = (secret: Uint8Array) => Uint8Array | undefined;

export interface Keyring {
  /** The keys of usable secrets, in order; an empty or undecodable secret verifies nothing. */
  keys(secrets: readonly Uint8Array[]): readonly KeyObject[];
}

/** A keyring of one receiver. */
export function createKeyring(decode: DecodeSecret): Keyring {
  const known = new WeakMap<Uint8Array, KeyObject | null>();
  const keyOf = (secret: Uint8Array): KeyObject | null => {
    const made = known.get(secret);
    if (made !== undefined) return made;
    const bytes = decode(secret);
    const key = bytes === undefined || bytes.length === 0 ? null : createSecretKey(bytes);
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
