/** What changed between two route tables, function by function, and its application. */
import { encodeEntry } from './wire-format.ts';
import type { FunctionEntry, RouteTable } from './types.ts';

export type TableChange =
  | { readonly op: 'set'; readonly entry: FunctionEntry }
  | { readonly op: 'delete'; readonly uid: string };

/** The table before anything was applied. */
export const emptyTable: RouteTable = { version: 0, functions: new Map() };

/** The changes that turn `before` into `after`. An entry that is the same object costs one comparison. */
export function diffTables(before: RouteTable, after: RouteTable): readonly TableChange[] {
  const changes: TableChange[] = [];
  for (const [uid, entry] of after.functions) {
    const old = before.functions.get(uid);
    if (old === undefined || !sameEntry(old, entry)) changes.push({ op: 'set', entry });
  }
  if (before.functions.size + changes.length === after.functions.size && before.functions.size === 0) return changes;
  for (const uid of before.functions.keys()) {
    if (!after.functions.has(uid)) changes.push({ op: 'delete', uid });
  }
  return changes;
}

/** A new table; the given one stays as it is for the requests that still read it. */
export function applyChanges(table: RouteTable, changes: readonly TableChange[], version: number): RouteTable {
  const functions = new Map(table.functions);
  for (const change of changes) {
    if (change.op === 'set') functions.set(change.entry.uid, change.entry);
    else functions.delete(change.uid);
  }
  return { version, functions };
}

function sameEntry(a: FunctionEntry, b: FunctionEntry): boolean {
  return a === b || (a.revision === b.revision && encodeEntry(a) === encodeEntry(b));
}
