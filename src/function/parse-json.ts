/**
 * `JSON.parse` for texts of strangers. V8 13.6 may read a key of one escaped character as another one that some text of the
 * process had before (nodejs/node issue 63785): a text of one tenant must not change how that of another is read.
 */

const maxDepth = 128;

/** The value of a JSON text (RFC 8259); throws a SyntaxError where it is none. Members are own properties, `__proto__` too. */
export function parseJson(text: string): unknown {
  // Only a string that begins with an escape can be such a key.
  return text.includes('"\\') ? new Reader(text).document() : (JSON.parse(text) as unknown);
}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value();
    this.#space();
    return this.#at === this.#text.length ? value : this.#fail();
  }

  #fail(): never {
    throw new SyntaxError(`no JSON at position ${this.#at}`);
  }

  #space(): void {
    blank.lastIndex = this.#at;
    blank.test(this.#text);
    this.#at = blank.lastIndex;
  }

  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #value(): unknown {
    if (this.#take('{')) return this.#nested(() => this.#object());
    if (this.#take('[')) return this.#nested(() => this.#array());
    return this.#scalar();
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > maxDepth) this.#fail();
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    if (this.#take(']')) return items;
    do items.push(this.#value());
    while (this.#take(','));
    return this.#take(']') ? items : this.#fail();
  }

  #object(): object {
    const members = {};
    if (this.#take('}')) return members;
    do {
      this.#space();
      const key = this.#string() as string;
      if (!this.#take(':')) this.#fail();
      const value = this.#value();
      Object.defineProperty(members, key, { value, writable: true, enumerable: true, configurable: true });
    } while (this.#take(','));
    return this.#take('}') ? members : this.#fail();
  }

  /** Text, numbers, booleans and null go to `JSON.parse` one by one: alone, none of them is a key. */
  #scalar(): unknown {
    this.#space();
    if (this.#text[this.#at] === '"') return this.#string();
    word.lastIndex = this.#at;
    return word.test(this.#text) ? this.#read(word.lastIndex) : this.#fail();
  }

  #string(): unknown {
    const open = this.#at;
    if (this.#text[open] !== '"') this.#fail();
    for (let end = this.#text.indexOf('"', open + 1); end > 0; end = this.#text.indexOf('"', end + 1)) {
      let before = end - 1;
      while (this.#text[before] === '\\') before -= 1;
      if ((end - before) % 2 === 1) return this.#read(end + 1);
    }
    return this.#fail();
  }

  #read(end: number): unknown {
    const value = JSON.parse(this.#text.slice(this.#at, end)) as unknown;
    this.#at = end;
    return value;
  }
}

const blank = /[ \t\r\n]*/y;
const word = /[-+.\w]+/y;
