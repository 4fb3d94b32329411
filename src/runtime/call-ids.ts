/** Call ids: a prefix per start of a worker and a counter; unique, short, quick to make. */
import { randomBytes } from 'node:crypto';

/** Ids of one start of one thread, which the prefix names. */
export class CallIds {
  readonly #prefix: string;
  #last = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The number of a new id: what keeps it instead of the text keeps nothing that a collection has to copy. */
  next(): number {
    this.#last += 1;
    return this.#last;
  }

  text(number: number): string {
    return this.#prefix + number.toString(36);
  }
}

/** 60 random bits in base 32: two starts never share one. */
export function newBootPrefix(random: (bytes: number) => Uint8Array = randomBytes): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  return `c${Array.from(random(12), (byte) => alphabet[byte & 31]).join('')}-`;
}
