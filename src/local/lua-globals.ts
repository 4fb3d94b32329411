/** Which globals a Lua source uses and how, by scope: for words that no environment has. For code that is known to compile. */
import { tokenize, type Token } from './lua-tokens.ts';

export type Use = 'read' | 'call' | 'index' | 'write';

/** `http.get(…)` is global `http` indexed, with member `get` called. */
export interface GlobalUse {
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly use: Use;
  readonly member?: { readonly name: string; readonly line: number; readonly column: number; readonly use: Use };
}

/** Undefined: the source cannot be read, or changes its environment so that nothing can be said. */
export function findGlobals(source: string): readonly GlobalUse[] | undefined {
  const tokens = tokenize(source);
  if (tokens === undefined) return undefined;
  try {
    const reader = new Reader(tokens);
    reader.chunk();
    return reader.changesEnvironment ? undefined : reader.uses;
  } catch (error) {
    if (error instanceof Unreadable || error instanceof RangeError) return undefined;
    throw error;
  }
}

class Unreadable extends Error {}

const blockEnds = new Set(['end', 'else', 'elseif', 'until']);
const binary = new Set('and or + - * / // % ^ .. == ~= < > <= >= & | ~ << >>'.split(' '));

class Reader {
  readonly uses: GlobalUse[] = [];
  changesEnvironment = false;
  readonly #tokens: readonly Token[];
  #at = 0;
  #scopes: Set<string>[] = [new Set()];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  chunk(): void {
    this.#block();
    if (this.#peek().kind !== 'end') throw new Unreadable();
  }

  #peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (!token) throw new Unreadable();
    return token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #is(text: string): boolean {
    const { kind, text: found } = this.#peek();
    return found === text && (kind === 'keyword' || kind === 'symbol');
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw new Unreadable();
  }

  #name(): Token {
    const token = this.#next();
    if (token.kind !== 'name') throw new Unreadable();
    return token;
  }

  #declare(name: string): void {
    if (name === '_ENV') this.changesEnvironment = true;
    this.#scopes.at(-1)?.add(name);
  }

  #scoped(read: () => void): void {
    this.#scopes.push(new Set());
    read();
    this.#scopes.pop();
  }

  #block(): void {
    for (;;) {
      const { kind, text } = this.#peek();
      if (kind === 'end' || (kind === 'keyword' && blockEnds.has(text))) return;
      if (this.#take('return')) {
        const after = this.#peek();
        if (after.kind !== 'end' && !this.#is(';') && !(after.kind === 'keyword' && blockEnds.has(after.text))) {
          this.#expressions();
        }
        this.#take(';');
        return;
      }
      this.#statement();
    }
  }

  #statement(): void {
    if (this.#take(';') || this.#take('break')) return;
    if (this.#take('::')) {
      this.#name();
      this.#expect('::');
    } else if (this.#take('goto')) this.#name();
    else if (this.#take('do')) this.#body();
    else if (this.#take('while')) {
      this.#expression();
      this.#expect('do');
      this.#body();
    } else if (this.#take('repeat')) {
      this.#scoped(() => {
        this.#block();
        this.#expect('until');
        // The condition sees the locals of the loop.
        this.#expression();
      });
    } else if (this.#take('if')) this.#if();
    else if (this.#take('for')) this.#for();
    else if (this.#take('function')) this.#function();
    else if (this.#take('local')) this.#local();
    else this.#assignmentOrCall();
  }

  #body(): void {
    this.#scoped(() => {
      this.#block();
    });
    this.#expect('end');
  }

  #if(): void {
    do {
      this.#expression();
      this.#expect('then');
      this.#scoped(() => {
        this.#block();
      });
    } while (this.#take('elseif'));
    if (this.#take('else')) {
      this.#scoped(() => {
        this.#block();
      });
    }
    this.#expect('end');
  }

  #for(): void {
    const names = [this.#name().text];
    while (this.#take(',')) names.push(this.#name().text);
    if (!this.#take('=')) this.#expect('in');
    this.#expressions();
    this.#expect('do');
    this.#scoped(() => {
      for (const name of names) this.#declare(name);
      this.#block();
    });
    this.#expect('end');
  }

  /** `function a.b:c() … end`. */
  #function(): void {
    const first = this.#name();
    let depth = 0;
    let method = false;
    let member: Token | undefined;
    while (this.#is('.') || this.#is(':')) {
      method = this.#next().text === ':';
      const name = this.#name();
      depth += 1;
      if (depth === 1) member = name;
    }
    const memberUse = member && { ...placeOf(member), use: depth === 1 ? ('write' as const) : ('index' as const) };
    this.#use(first, depth === 0 ? 'write' : 'index', memberUse);
    this.#functionBody(method);
  }

  #functionBody(method: boolean): void {
    this.#expect('(');
    this.#scoped(() => {
      if (method) this.#declare('self');
      while (!this.#take(')')) {
        if (!this.#take('...')) this.#declare(this.#name().text);
        this.#take(',');
      }
      this.#block();
    });
    this.#expect('end');
  }

  #local(): void {
    if (this.#take('function')) {
      this.#declare(this.#name().text);
      this.#functionBody(false);
      return;
    }
    const names: string[] = [];
    do {
      names.push(this.#name().text);
      if (this.#take('<')) {
        this.#name();
        this.#expect('>');
      }
    } while (this.#take(','));
    if (this.#take('=')) this.#expressions();
    for (const name of names) this.#declare(name);
  }

  #assignmentOrCall(): void {
    const targets: (() => void)[] = [this.#suffixed()];
    while (this.#take(',')) targets.push(this.#suffixed());
    const assigned = this.#take('=');
    if (assigned) this.#expressions();
    this.#written = assigned;
    for (const target of targets) target();
    this.#written = false;
  }

  /** True while the targets of an assignment are noted. */
  #written = false;

  #expressions(): void {
    do this.#expression();
    while (this.#take(','));
  }

  #expression(): void {
    for (;;) {
      while (this.#take('not') || this.#take('-') || this.#take('#') || this.#take('~'));
      this.#operand();
      const { kind, text } = this.#peek();
      if (!((kind === 'symbol' || kind === 'keyword') && binary.has(text))) return;
      this.#at += 1;
    }
  }

  #operand(): void {
    const { kind } = this.#peek();
    if (kind === 'number' || kind === 'string') {
      this.#at += 1;
      return;
    }
    if (['nil', 'true', 'false', '...'].some((text) => this.#take(text))) return;
    if (this.#is('{')) this.#table();
    else if (this.#take('function')) this.#functionBody(false);
    else this.#suffixed()();
  }

  #table(): void {
    this.#expect('{');
    while (!this.#take('}')) {
      if (this.#take('[')) {
        this.#expression();
        this.#expect(']');
        this.#expect('=');
      } else if (this.#peek().kind === 'name' && this.#peek(1).text === '=' && this.#peek(1).kind === 'symbol') {
        this.#at += 2;
      }
      this.#expression();
      if (!this.#take(',')) this.#take(';');
    }
  }

  /** A name or parentheses with what follows; the answer notes the use, once it is known whether it is written. */
  #suffixed(): () => void {
    let first: Token | undefined;
    if (this.#take('(')) {
      this.#expression();
      this.#expect(')');
    } else first = this.#name();
    const steps: { readonly kind: 'index' | 'call'; readonly member?: Token }[] = [];
    for (;;) {
      if (this.#take('.')) steps.push({ kind: 'index', member: this.#name() });
      else if (this.#take('[')) {
        this.#expression();
        this.#expect(']');
        steps.push({ kind: 'index' });
      } else if (this.#take(':')) {
        steps.push({ kind: 'index', member: this.#name() });
        this.#arguments();
        steps.push({ kind: 'call' });
      } else if (this.#is('(') || this.#is('{') || this.#peek().kind === 'string') {
        this.#arguments();
        steps.push({ kind: 'call' });
      } else break;
    }
    const token = first;
    const isLocal = token !== undefined && this.#isLocal(token.text);
    return () => {
      if (token === undefined || isLocal) return;
      const last = (index: number): Use => steps[index]?.kind ?? (this.#written ? 'write' : 'read');
      const member = steps[0]?.member;
      this.#note(token, last(0), member && { ...placeOf(member), use: last(1) });
    };
  }

  #arguments(): void {
    if (this.#is('{')) this.#table();
    else if (this.#take('(')) {
      if (this.#take(')')) return;
      this.#expressions();
      this.#expect(')');
    } else if (this.#next().kind !== 'string') throw new Unreadable();
  }

  #isLocal(name: string): boolean {
    return this.#scopes.some((scope) => scope.has(name));
  }

  #use(token: Token, use: Use, member: GlobalUse['member'] | undefined): void {
    if (!this.#isLocal(token.text)) this.#note(token, use, member);
  }

  #note(token: Token, use: Use, member: GlobalUse['member'] | undefined): void {
    if (token.text === '_ENV') this.changesEnvironment = true;
    this.uses.push({ ...placeOf(token), use, ...(member === undefined ? {} : { member }) });
  }
}

function placeOf({ text, line, column }: Token): { name: string; line: number; column: number } {
  return { name: text, line, column };
}
