/**
 * Reads JSON (RFC 8259) for Lua: integers stay exact in 64 bits, names such as `__proto__` are ordinary keys, duplicate keys
 * keep the last value, errors name line and column.
 */
import { JsonProblem } from './json-problem.ts';
import { jsonNull, type LuaInput, type LuaKey } from '../lua/types.ts';

export interface DecodeLimits {
  readonly maxDepth: number;
  /** Values of all kinds and names of members together; building tables is what costs. */
  readonly maxValues: number;
  /** A null member becomes json.null too (as lua-cjson does) instead of being absent. */
  readonly keepNulls: boolean;
}

const quote = 0x22;
const backslash = 0x5c;

/** Decodes a text or throws a JsonProblem. */
export function decodeJson(text: string, limits: DecodeLimits): LuaInput {
  const body = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (!limits.keepNulls && isPlain(body, limits)) {
    try {
      // JSON.parse defines own properties, `__proto__` included, and is several times as fast as reading in JavaScript.
      return JSON.parse(body) as LuaInput;
    } catch {
      // Read again for the place of the mistake.
    }
  }
  return new Reader(body, limits).document();
}

/** Members above which JSON.parse gets slower than the careful reader: its objects become dictionaries. */
const manyMembers = 2_000;

/** Whether JSON.parse gives the same result: within the limits, no integer beyond 2^53, no half surrogate pair. */
function isPlain(text: string, limits: DecodeLimits): boolean {
  if (/\\u[dD]/.test(text)) return false;
  let depth = 0;
  let values = 1;
  let members = 0;
  let digits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      digits += 1;
      if (digits > 15) return false;
      continue;
    }
    digits = 0;
    if (code === quote) {
      // JSON.parse of V8 13.6 may read a key of one escaped character as a backslash once any text in the process had the
      // key of one backslash (nodejs/node issue 63785).
      if (text.charCodeAt(at + 1) === backslash) return false;
      at = closingQuote(text, at);
      if (at < 0) return false;
    } else if (code === 0x2c) {
      values += 1;
      if (values + members > limits.maxValues) return false;
    } else if (code === 0x3a) {
      members += 1;
    } else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      values += 1;
      if (depth > limits.maxDepth || values + members > limits.maxValues) return false;
    } else if (code === 0x5d || code === 0x7d) {
      depth -= 1;
    }
  }
  return values + members <= limits.maxValues && members <= manyMembers;
}

/** After so many characters without an escape the next quote is searched for, not walked to. */
const plainRun = 32;

/** The closing quote of the string that opens at `open`; negative: there is none. */
export function closingQuote(text: string, open: number): number {
  // Never within an escape.
  let at = open + 1;
  for (;;) {
    const end = text.indexOf('"', at);
    if (end < 0) return -1;
    let back = end - 1;
    while (back >= at && text.charCodeAt(back) === backslash) back -= 1;
    if ((end - back) % 2 === 1) return end;
    // Escapes come in crowds, and to search for each quote of a crowd takes many times as long as to walk through it.
    at = end + 1;
    for (let plain = 0; plain < plainRun; plain += 1) {
      const code = text.charCodeAt(at);
      if (code === quote) return at;
      if (code === backslash) plain = 0;
      at += code === backslash ? 2 : 1;
    }
  }
}

class Reader {
  readonly #text: string;
  readonly #limits: DecodeLimits;
  #at = 0;
  #depth = 0;
  #values = 0;

  constructor(text: string, limits: DecodeLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  document(): LuaInput {
    this.#space();
    const value = this.#value();
    this.#space();
    if (this.#at < this.#text.length) this.#fail(`expected the end of the text, got ${this.#here()}`);
    return value;
  }

  #fail(reason: string, at = this.#at): never {
    throw new JsonProblem(this.#text, at, reason);
  }

  #failOverLimit(reason: string): never {
    throw new JsonProblem(this.#text, this.#at, reason, true);
  }

  #here(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) return 'the end of the text';
    return code < 0x20 ? `the control character ${code}` : `"${String.fromCodePoint(code)}"`;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #value(): LuaInput {
    this.#count();
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x7b:
        return this.#nested(() => this.#object());
      case 0x5b:
        return this.#nested(() => this.#array());
      case quote:
        return this.#string();
      case 0x74:
        return this.#word('true', true);
      case 0x66:
        return this.#word('false', false);
      case 0x6e:
        return this.#word('null', jsonNull);
      default:
        return this.#number();
    }
  }

  #count(): void {
    this.#values += 1;
    if (this.#values > this.#limits.maxValues)
      this.#failOverLimit(`more than ${this.#limits.maxValues} names and values`);
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > this.#limits.maxDepth) this.#fail(`nested deeper than ${this.#limits.maxDepth} levels`);
    this.#at += 1;
    this.#space();
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #array(): LuaInput[] {
    const items: LuaInput[] = [];
    if (this.#take(0x5d)) return items;
    for (;;) {
      this.#space();
      items.push(this.#value());
      this.#space();
      if (this.#take(0x5d)) return items;
      if (!this.#take(0x2c)) this.#fail(`expected "," or "]", got ${this.#here()}`);
    }
  }

  #object(): ReadonlyMap<LuaKey, LuaInput> | { readonly [key: string]: LuaInput } {
    const members = new Map<LuaKey, LuaInput>();
    if (this.#take(0x7d)) return {};
    for (;;) {
      this.#space();
      if (this.#text.charCodeAt(this.#at) !== quote)
        this.#fail(`expected a member name in quotes, got ${this.#here()}`);
      this.#count();
      const key = this.#string();
      this.#space();
      if (!this.#take(0x3a)) this.#fail(`expected ":", got ${this.#here()}`);
      this.#space();
      const value = this.#value();
      if (value !== jsonNull || this.#limits.keepNulls) members.set(key, value);
      // The last of several equal names counts, a null among them as well.
      else members.delete(key);
      this.#space();
      if (this.#take(0x7d)) return members;
      if (!this.#take(0x2c)) this.#fail(`expected "," or "}", got ${this.#here()}`);
    }
  }

  #take(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at += 1;
    return true;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail(`expected a value, got ${this.#here()}`);
    this.#at += word.length;
    return value;
  }

  #string(): string {
    const open = this.#at;
    const end = closingQuote(this.#text, open);
    const raw = this.#text.slice(open + 1, end);
    if (end > 0 && !/[\\\x00-\x1f]/.test(raw)) {
      this.#at = end + 1;
      return raw;
    }
    if (end > 0) {
      try {
        const value = JSON.parse(this.#text.slice(open, end + 1)) as string;
        if (value.isWellFormed()) {
          this.#at = end + 1;
          return value;
        }
      } catch {
        // Read again for the place of the mistake.
      }
    }
    return this.#faultyString(open);
  }

  /** Finds the mistake in a string that has one. */
  #faultyString(open: number): never {
    if (closingQuote(this.#text, open) < 0) this.#fail('the string is not closed', open);
    for (let at = open + 1; ; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code < 0x20) this.#fail(`the control character ${code} must be escaped in a string`, at);
      if (code === backslash) at = this.#escapeEnd(at);
      else if (code === quote || Number.isNaN(code)) this.#fail('the string is not valid', open);
    }
  }

  /** The last character of the escape at `at`. */
  #escapeEnd(at: number): number {
    const letter = this.#text.charAt(at + 1);
    if (letter !== '' && '"\\/bfnrt'.includes(letter)) return at + 1;
    const unit = letter === 'u' ? this.#unit(at) : undefined;
    if (unit === undefined) return this.#fail(`unknown escape "${this.#text.slice(at, at + 2)}"`, at);
    if (unit < 0xd800 || unit > 0xdfff) return at + 5;
    const low = unit < 0xdc00 && this.#text.startsWith('\\u', at + 6) ? this.#unit(at + 6) : undefined;
    if (low === undefined || low < 0xdc00 || low > 0xdfff) {
      return this.#fail(`the escape "${this.#text.slice(at, at + 6)}" is half of a surrogate pair`, at);
    }
    return at + 11;
  }

  #unit(at: number): number | undefined {
    const hex = this.#text.slice(at + 2, at + 6);
    return /^[0-9a-fA-F]{4}$/.test(hex) ? Number.parseInt(hex, 16) : undefined;
  }

  #number(): number | bigint {
    numberPattern.lastIndex = this.#at;
    const match = numberPattern.exec(this.#text);
    if (match === null) return this.#fail(`expected a value, got ${this.#here()}`);
    this.#at = numberPattern.lastIndex;
    const [written] = match;
    const value = Number(written);
    if (Number.isSafeInteger(value) || written.length > 20 || /[.eE]/.test(written)) return value;
    const exact = BigInt(written);
    return BigInt.asIntN(64, exact) === exact ? exact : value;
  }
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
