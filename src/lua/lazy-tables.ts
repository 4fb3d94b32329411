/** Tables whose fields are made when Lua first reads them; what was read or assigned is remembered per call. */
import type { LazyTable } from './types.ts';

/** One lazy table of one call. Keys once resolved (read, or assigned, nil included) are Lua's own from then on. */
export class LazyState {
  readonly table: LazyTable;
  #few: string[] | undefined;
  #many: Set<string> | undefined;
  #complete = false;

  constructor(table: LazyTable) {
    this.table = table;
  }

  /** The key under which a field lives. */
  fold(key: string): string {
    return this.table.caseInsensitive === true ? key.toLowerCase() : key;
  }

  isResolved(key: string): boolean {
    return this.#complete || this.#few?.includes(key) === true || this.#many?.has(key) === true;
  }

  resolve(key: string): void {
    if (this.#complete) return;
    if (this.#many !== undefined) this.#many.add(key);
    else if (this.#few === undefined) this.#few = [key];
    else if (this.#few.length < fewKeys) this.#few.push(key);
    else this.#many = new Set([...this.#few.splice(0), key]);
  }

  /** Keys not yet in Lua; afterwards all are. */
  complete(): readonly string[] {
    if (this.#complete) return [];
    const rest = this.table.keys().filter((key) => !this.isResolved(key));
    this.#complete = true;
    this.#few = undefined;
    this.#many = undefined;
    return rest;
  }
}

/** Up to so many keys a list is quicker than a set. */
const fewKeys = 12;

/** The lazy tables of one call, by the address of the table that stands for them. */
export class LazyStates {
  readonly #addresses: number[] = [];
  readonly #states: LazyState[] = [];
  #more: Map<number, LazyState> | undefined;

  add(table: number, state: LazyState): void {
    if (this.#states.length < fewTables) {
      this.#addresses.push(table);
      this.#states.push(state);
    } else (this.#more ??= new Map()).set(table, state);
  }

  get(table: number): LazyState | undefined {
    const index = this.#addresses.indexOf(table);
    return index < 0 ? this.#more?.get(table) : this.#states[index];
  }
}

/** Calls rarely have more. */
const fewTables = 8;
