/** Names in scope while Lua is read, and the uses of those that are in none: globals. */
import type { Token } from './lua-tokens.ts';

export type Use = 'read' | 'call' | 'index' | 'write';

/** `http.get(…)` is global `http` indexed, with member `get` called. */
export interface GlobalUse {
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly use: Use;
  readonly member?: { readonly name: string; readonly line: number; readonly column: number; readonly use: Use };
}

export class LuaScopes {
  readonly uses: GlobalUse[] = [];
  changesEnvironment = false;
  readonly #scopes: Set<string>[] = [new Set()];

  declare(name: string): void {
    if (name === '_ENV') this.changesEnvironment = true;
    this.#scopes.at(-1)?.add(name);
  }

  scoped(read: () => void): void {
    this.#scopes.push(new Set());
    read();
    this.#scopes.pop();
  }

  isLocal(name: string): boolean {
    return this.#scopes.some((scope) => scope.has(name));
  }

  use(token: Token, use: Use, member: GlobalUse['member'] | undefined): void {
    if (!this.isLocal(token.text)) this.note(token, use, member);
  }

  note(token: Token, use: Use, member: GlobalUse['member'] | undefined): void {
    if (token.text === '_ENV') this.changesEnvironment = true;
    this.uses.push({ ...placeOf(token), use, ...(member === undefined ? {} : { member }) });
  }
}

/** A token by its name and place. */
export function placeOf({ text, line, column }: Token): { name: string; line: number; column: number } {
  return { name: text, line, column };
}
