/** Appending events in SQLite: event, duplicate key and delivery rows in one go, inside the caller's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryRows } from './delivery-rows.ts';
import type { DuplicateKeys } from './sqlite-duplicates.ts';
import type { StoreClock } from './store-clock.ts';
import type { AppendItem, Appended, Lease, StoredEvent } from './store.ts';

export interface EventRows {
  append(item: AppendItem): Appended;
  read(namespaceUid: string, id: string): StoredEvent | undefined;
}

export function createEventRows(
  database: DatabaseSync,
  clock: StoreClock,
  deliveries: DeliveryRows,
  duplicates: DuplicateKeys,
): EventRows {
  const insert = database.prepare(
    'INSERT INTO events (scope, id, type, source, time, attributes, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const sequenceOf = database.prepare('SELECT seq FROM events WHERE scope = ? AND id = ?');
  const byId = database.prepare(
    'SELECT seq, id, scope, type, source, time, attributes, body FROM events WHERE scope = ? AND id = ?',
  );

  const sequence = (namespaceUid: string, id: string): number | undefined =>
    (sequenceOf.get(namespaceUid, id) as { seq: number } | undefined)?.seq;

  /** Undefined: the key is new, and kept from now on. */
  function duplicateOf({ event, duplicate }: AppendItem): Appended | undefined {
    if (duplicate === undefined) return undefined;
    const { namespaceUid } = event;
    const id = duplicates.claim(namespaceUid, duplicate, event.id);
    if (id === undefined) return undefined;
    const known = sequence(namespaceUid, id);
    // The event may have been trimmed already: its key still says that it was here.
    const generation =
      known === undefined ? undefined : deliveries.rerun(known, duplicate.rerun === true, namespaceUid);
    return { id, duplicateOf: id, leased: [], ...(generation === undefined ? {} : { generation }) };
  }

  return {
    append(item) {
      const { event, owed = false } = item;
      const answer = duplicateOf(item);
      if (answer !== undefined) return answer;
      const { namespaceUid, id, type, source, time, attributes, body } = event;
      // Nobody wants it: its key is kept, there is nothing to run.
      if (item.deliveries.length === 0) return { id, leased: [] };
      // What it did is cheaper to read than a row that it returns.
      const added = insert.run(namespaceUid, id, type, source, time ?? clock.now(), attributes, body);
      const isNew = added.changes === 1;
      // The very same event again (an outbox repeated, a schedule's slot fired by two): the first one stands.
      const seq = isNew ? Number(added.lastInsertRowid) : item.known === true ? sequence(namespaceUid, id) : undefined;
      if (seq === undefined) return { id, duplicateOf: id, leased: [] };
      const leased: Lease[] = [];
      for (const delivery of item.deliveries) {
        const lease = deliveries.add(seq, event, delivery, owed);
        if (lease !== undefined) leased.push(lease);
      }
      return { id, leased };
    },
    read(namespaceUid, id) {
      const row = byId.get(namespaceUid, id) as EventColumns | undefined;
      return row === undefined ? undefined : toEvent(row);
    },
  };
}

export interface EventColumns {
  readonly id: string;
  readonly scope: string;
  readonly type: string;
  readonly source: string;
  readonly time: number;
  readonly attributes: string;
  readonly body: Uint8Array;
}

export function toEvent({ id, scope, type, source, time, attributes, body }: EventColumns): StoredEvent {
  return { id, namespaceUid: scope, type, source, time, attributes, body };
}
