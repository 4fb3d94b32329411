/** Which globals a Lua source uses and how, by scope: for words that no environment has. For code that is known to compile. */
import { LuaScopes, placeOf, type GlobalUse, type Use } from './lua-scopes.ts';
import { tokenize, type Token } from './lua-tokens.ts';
import { TokenStream, Unreadable } from './token-stream.ts';

/** Undefined: the source cannot be read, or changes its environment so that nothing can be said. */
export function findGlobals(source: string): readonly GlobalUse[] | undefined {
  const tokens = tokenize(source);
  if (tokens === undefined) return undefined;
  try {
    const reader = new Reader(tokens);
    reader.chunk();
    return reader.scopes.changesEnvironment ? undefined : reader.scopes.uses;
  } catch (error) {
    if (error instanceof Unreadable || error instanceof RangeError) return undefined;
    throw error;
  }
}

const blockEnds = new Set(['end', 'else', 'elseif', 'until']);
const binary = new Set('and or + - * / // % ^ .. == ~= < > <= >= & | ~ << >>'.split(' '));

class Reader {
  readonly scopes = new LuaScopes();
  readonly #tokens: TokenStream;

  constructor(tokens: readonly Token[]) {
    this.#tokens = new TokenStream(tokens);
  }

  chunk(): void {
    this.#block();
    if (this.#tokens.peek().kind !== 'end') throw new Unreadable();
  }

  #block(): void {
    for (;;) {
      const { kind, text } = this.#tokens.peek();
      if (kind === 'end' || (kind === 'keyword' && blockEnds.has(text))) return;
      if (this.#tokens.take('return')) {
        const after = this.#tokens.peek();
        if (after.kind !== 'end' && !this.#tokens.is(';') && !(after.kind === 'keyword' && blockEnds.has(after.text))) {
          this.#expressions();
        }
        this.#tokens.take(';');
        return;
      }
      this.#statement();
    }
  }

  #statement(): void {
    if (this.#tokens.take(';') || this.#tokens.take('break')) return;
    if (this.#tokens.take('::')) {
      this.#tokens.name();
      this.#tokens.expect('::');
    } else if (this.#tokens.take('goto')) this.#tokens.name();
    else if (this.#tokens.take('do')) this.#body();
    else if (this.#tokens.take('while')) {
      this.#expression();
      this.#tokens.expect('do');
      this.#body();
    } else if (this.#tokens.take('repeat')) {
      this.scopes.scoped(() => {
        this.#block();
        this.#tokens.expect('until');
        // The condition sees the locals of the loop.
        this.#expression();
      });
    } else if (this.#tokens.take('if')) this.#if();
    else if (this.#tokens.take('for')) this.#for();
    else if (this.#tokens.take('function')) this.#function();
    else if (this.#tokens.take('local')) this.#local();
    else this.#assignmentOrCall();
  }

  #body(): void {
    this.scopes.scoped(() => {
      this.#block();
    });
    this.#tokens.expect('end');
  }

  #if(): void {
    do {
      this.#expression();
      this.#tokens.expect('then');
      this.scopes.scoped(() => {
        this.#block();
      });
    } while (this.#tokens.take('elseif'));
    if (this.#tokens.take('else')) {
      this.scopes.scoped(() => {
        this.#block();
      });
    }
    this.#tokens.expect('end');
  }

  #for(): void {
    const names = [this.#tokens.name().text];
    while (this.#tokens.take(',')) names.push(this.#tokens.name().text);
    if (!this.#tokens.take('=')) this.#tokens.expect('in');
    this.#expressions();
    this.#tokens.expect('do');
    this.scopes.scoped(() => {
      for (const name of names) this.scopes.declare(name);
      this.#block();
    });
    this.#tokens.expect('end');
  }

  /** `function a.b:c() … end`. */
  #function(): void {
    const first = this.#tokens.name();
    let depth = 0;
    let method = false;
    let member: Token | undefined;
    while (this.#tokens.is('.') || this.#tokens.is(':')) {
      method = this.#tokens.next().text === ':';
      const name = this.#tokens.name();
      depth += 1;
      if (depth === 1) member = name;
    }
    const memberUse = member && { ...placeOf(member), use: depth === 1 ? ('write' as const) : ('index' as const) };
    this.scopes.use(first, depth === 0 ? 'write' : 'index', memberUse);
    this.#functionBody(method);
  }

  #functionBody(method: boolean): void {
    this.#tokens.expect('(');
    this.scopes.scoped(() => {
      if (method) this.scopes.declare('self');
      while (!this.#tokens.take(')')) {
        if (!this.#tokens.take('...')) this.scopes.declare(this.#tokens.name().text);
        this.#tokens.take(',');
      }
      this.#block();
    });
    this.#tokens.expect('end');
  }

  #local(): void {
    if (this.#tokens.take('function')) {
      this.scopes.declare(this.#tokens.name().text);
      this.#functionBody(false);
      return;
    }
    const names: string[] = [];
    do {
      names.push(this.#tokens.name().text);
      if (this.#tokens.take('<')) {
        this.#tokens.name();
        this.#tokens.expect('>');
      }
    } while (this.#tokens.take(','));
    if (this.#tokens.take('=')) this.#expressions();
    for (const name of names) this.scopes.declare(name);
  }

  #assignmentOrCall(): void {
    const targets: (() => void)[] = [this.#suffixed()];
    while (this.#tokens.take(',')) targets.push(this.#suffixed());
    const assigned = this.#tokens.take('=');
    if (assigned) this.#expressions();
    this.#written = assigned;
    for (const target of targets) target();
    this.#written = false;
  }

  /** True while the targets of an assignment are noted. */
  #written = false;

  #expressions(): void {
    do this.#expression();
    while (this.#tokens.take(','));
  }

  #expression(): void {
    for (;;) {
      while (this.#tokens.take('not') || this.#tokens.take('-') || this.#tokens.take('#') || this.#tokens.take('~'));
      this.#operand();
      const { kind, text } = this.#tokens.peek();
      if (!((kind === 'symbol' || kind === 'keyword') && binary.has(text))) return;
      this.#tokens.skip(1);
    }
  }

  #operand(): void {
    const { kind } = this.#tokens.peek();
    if (kind === 'number' || kind === 'string') {
      this.#tokens.skip(1);
      return;
    }
    if (['nil', 'true', 'false', '...'].some((text) => this.#tokens.take(text))) return;
    if (this.#tokens.is('{')) this.#table();
    else if (this.#tokens.take('function')) this.#functionBody(false);
    else this.#suffixed()();
  }

  #table(): void {
    this.#tokens.expect('{');
    while (!this.#tokens.take('}')) {
      if (this.#tokens.take('[')) {
        this.#expression();
        this.#tokens.expect(']');
        this.#tokens.expect('=');
      } else if (
        this.#tokens.peek().kind === 'name' &&
        this.#tokens.peek(1).text === '=' &&
        this.#tokens.peek(1).kind === 'symbol'
      ) {
        this.#tokens.skip(2);
      }
      this.#expression();
      if (!this.#tokens.take(',')) this.#tokens.take(';');
    }
  }

  /** A name or parentheses with what follows; the answer notes the use, once it is known whether it is written. */
  #suffixed(): () => void {
    let first: Token | undefined;
    if (this.#tokens.take('(')) {
      this.#expression();
      this.#tokens.expect(')');
    } else first = this.#tokens.name();
    const steps: { readonly kind: 'index' | 'call'; readonly member?: Token }[] = [];
    for (;;) {
      if (this.#tokens.take('.')) steps.push({ kind: 'index', member: this.#tokens.name() });
      else if (this.#tokens.take('[')) {
        this.#expression();
        this.#tokens.expect(']');
        steps.push({ kind: 'index' });
      } else if (this.#tokens.take(':')) {
        steps.push({ kind: 'index', member: this.#tokens.name() });
        this.#arguments();
        steps.push({ kind: 'call' });
      } else if (this.#tokens.is('(') || this.#tokens.is('{') || this.#tokens.peek().kind === 'string') {
        this.#arguments();
        steps.push({ kind: 'call' });
      } else break;
    }
    const token = first;
    const isLocal = token !== undefined && this.scopes.isLocal(token.text);
    return () => {
      if (token === undefined || isLocal) return;
      const last = (index: number): Use => steps[index]?.kind ?? (this.#written ? 'write' : 'read');
      const member = steps[0]?.member;
      this.scopes.note(token, last(0), member && { ...placeOf(member), use: last(1) });
    };
  }

  #arguments(): void {
    if (this.#tokens.is('{')) this.#table();
    else if (this.#tokens.take('(')) {
      if (this.#tokens.take(')')) return;
      this.#expressions();
      this.#tokens.expect(')');
    } else if (this.#tokens.next().kind !== 'string') throw new Unreadable();
  }
}
