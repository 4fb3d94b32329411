/** A place in a list of tokens, with the steps a recursive reader takes. */
import type { Token } from './lua-tokens.ts';

/** Thrown when the next token is not what the grammar wants; caught where the reading began. */
export class Unreadable extends Error {}

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The next token, or one further ahead; the end comes again and again. */
  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (!token) throw new Unreadable();
    return token;
  }

  next(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** Whether the next token is this keyword or symbol. */
  is(text: string): boolean {
    const { kind, text: found } = this.peek();
    return found === text && (kind === 'keyword' || kind === 'symbol');
  }

  /** Passes it if it is the next one. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string): void {
    if (!this.take(text)) throw new Unreadable();
  }

  name(): Token {
    const token = this.next();
    if (token.kind !== 'name') throw new Unreadable();
    return token;
  }
}
