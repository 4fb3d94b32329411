/** Tables whose fields are made when Lua first reads them; what was read or assigned is remembered per call. */
import type { LazyTable } from './types.ts';

/** One lazy table of one call. Keys once resolved (read, or assigned, nil included) are Lua's own from then on. */
export class LazyState {
  readonly table: LazyTable;
  #resolved: Set<string> | undefined;
  #complete = false;

  constructor(table: LazyTable) {
    this.table = table;
  }

  /** The key under which a field lives. */
  fold(key: string): string {
    return this.table.caseInsensitive === true ? key.toLowerCase() : key;
  }

  isResolved(key: string): boolean {
    return this.#complete || this.#resolved?.has(key) === true;
  }

  resolve(key: string): void {
    if (!this.#complete) (this.#resolved ??= new Set()).add(key);
  }

  /** Keys not yet in Lua; afterwards all are. */
  complete(): readonly string[] {
    if (this.#complete) return [];
    const rest = this.table.keys().filter((key) => this.#resolved?.has(key) !== true);
    this.#complete = true;
    this.#resolved = undefined;
    return rest;
  }
}
