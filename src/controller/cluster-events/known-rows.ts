/** The rows that a store has of a trigger, page by page, as far as a runtime may be believed: it may go on for ever. */
import type { KnownObject } from '../../link/append-messages.ts';

export interface KnownRows {
  readonly all: readonly KnownObject[];
  /** Where the next page begins; undefined: there is none. */
  readonly after: string | undefined;
  /** False: the pages lead nowhere, or are more than a controller holds. */
  take(page: { readonly rows: readonly KnownObject[]; readonly next?: unknown }): boolean;
}

/** Of all texts: a few hundred thousand objects. */
const mostLetters = 128 * 1024 * 1024;
/** What a row weighs beside its texts. */
const rowLetters = 200;

export function createKnownRows(most: number = mostLetters): KnownRows {
  const all: KnownObject[] = [];
  let after: string | undefined = '';
  let letters = 0;
  return {
    all,
    get after() {
      return after;
    },
    take({ rows, next }) {
      // A page that brings nothing and leads to another could come for ever.
      if (next !== undefined && (typeof next !== 'string' || rows.length === 0)) return false;
      for (const row of rows) {
        const { uid, version, name, namespace = '', expressions } = row;
        letters += rowLetters + uid.length + version.length + name.length + namespace.length + expressions.length;
        all.push(row);
      }
      after = next;
      return letters <= most;
    },
  };
}
