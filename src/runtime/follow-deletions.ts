/** Keeps the tombstones of a runtime's table: what is deleted gets one, what is there has none. */
import { compareTables } from '../delivery/deletions.ts';
import { bury, exhume } from '../delivery/tombstones.ts';
import { emptyTable, type TableChange } from '../routing/diff-tables.ts';
import type { RouteTable } from '../routing/types.ts';
import type { Store } from '../store/store.ts';

export interface DeletionFollower {
  /** These leave the table and were not deleted: another group serves them. */
  moved(changes: readonly TableChange[]): void;
  /** After the table has been applied. */
  follow(table: RouteTable): Promise<void>;
}

/** `now`: wall clock. */
export function createDeletionFollower(store: Store, now: () => number): DeletionFollower {
  let before: RouteTable = emptyTable;
  const left = new Set<string>();
  return {
    moved(changes) {
      for (const change of changes) if ('uid' in change && change.moved === true) left.add(change.uid);
    },
    async follow(table) {
      const { gone, back } = compareTables(without(before, left), table);
      left.clear();
      before = table;
      for (const [namespaceUid, names] of gone) {
        for (const name of names) await bury(store, namespaceUid, name, now());
      }
      for (const [namespaceUid, names] of back) await exhume(store, namespaceUid, names);
    },
  };
}

function without(table: RouteTable, uids: ReadonlySet<string>): RouteTable {
  if (uids.size === 0) return table;
  const rest = <Entry>(entries: ReadonlyMap<string, Entry>): ReadonlyMap<string, Entry> =>
    new Map([...entries].filter(([uid]) => !uids.has(uid)));
  return { ...table, functions: rest(table.functions), subscriptions: rest(table.subscriptions ?? new Map()) };
}
