/** Keeps the tombstones of a runtime's table: what is deleted gets one, what is there has none. */
import { compareTables } from '../delivery/deletions.ts';
import { bury, exhume } from '../delivery/tombstones.ts';
import { emptyTable } from '../routing/diff-tables.ts';
import type { RouteTable } from '../routing/types.ts';
import type { Store } from '../store/store.ts';

export interface DeletionFollower {
  /** After the table has been applied. */
  follow(table: RouteTable): Promise<void>;
}

/** `now`: wall clock. */
export function createDeletionFollower(store: Store, now: () => number): DeletionFollower {
  let before: RouteTable = emptyTable;
  return {
    async follow(table) {
      const { gone, back } = compareTables(before, table);
      before = table;
      for (const [namespaceUid, names] of gone) {
        for (const name of names) await bury(store, namespaceUid, name, now());
      }
      for (const [namespaceUid, names] of back) await exhume(store, namespaceUid, names);
    },
  };
}
