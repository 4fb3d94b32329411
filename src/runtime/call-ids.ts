/** Call ids: a prefix per start of a worker and a counter; unique, short, quick to make. */
import { randomBytes } from 'node:crypto';

/** Answers a new id with each call. `prefix` names this start of this thread. */
export function createCallIds(prefix: string): () => string {
  let counter = 0;
  return () => {
    counter += 1;
    return prefix + counter.toString(36);
  };
}

/** 60 random bits in base 32: two starts never share one. */
export function newBootPrefix(random: (bytes: number) => Uint8Array = randomBytes): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  return `c${Array.from(random(12), (byte) => alphabet[byte & 31]).join('')}-`;
}
