/** Appending events in SQLite: event, duplicate key and delivery rows in one go, inside the caller's transaction. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { DeliveryRows } from './delivery-rows.ts';
import { createGatheredRows } from './gathered-rows.ts';
import { prepareLists } from './row-lists.ts';
import type { Journal } from './sqlite-journal.ts';
import type { DuplicateKeys } from './sqlite-duplicates.ts';
import type { StoreClock } from './store-clock.ts';
import type { AppendItem, Appended, DuplicateKey, Lease, StoredEvent } from './store.ts';

export interface EventRows {
  append(item: AppendItem): Appended;
  /** As `append`; the tables may have it from `write` on only. */
  gather(item: AppendItem): Appended;
  /** What was gathered; before anything else is done. Throws where one of the events is there already. */
  write(): void;
  read(namespaceUid: string, id: string): StoredEvent | undefined;
  isKnown(namespaceUid: string, duplicate: DuplicateKey): boolean;
}

export function createEventRows(
  database: DatabaseSync,
  clock: StoreClock,
  deliveries: DeliveryRows,
  duplicates: DuplicateKeys,
  journal: Journal,
): EventRows {
  const columns = 'events (seq, scope, id, type, source, time, attributes, body)';
  const rows = createGatheredRows(database, journal, columns, 'scope, id');
  /** The last number of an event. It is never set back: one that was taken back leaves a gap. */
  let last = (database.prepare('SELECT max(seq) AS seq FROM events').get() as { seq: number | null }).seq ?? 0;
  const sequenceOf = database.prepare('SELECT seq FROM events WHERE scope = ? AND id = ?');
  const hasBody = database.prepare('SELECT body = ? AS same FROM events WHERE seq = ?');
  const byId = prepareLists<EventColumns>(database, `SELECT ${eventColumns} FROM events WHERE scope = ? AND id = ?`);

  const sequence = (namespaceUid: string, id: string): number | undefined =>
    (sequenceOf.get(namespaceUid, id) as { seq: number } | undefined)?.seq;

  /** Undefined: the key is new, and kept from now on. */
  function duplicateOf({ event, duplicate }: AppendItem): Appended | undefined {
    if (duplicate === undefined) return undefined;
    const { namespaceUid } = event;
    const id = duplicates.claim(namespaceUid, duplicate, event.id);
    if (id === undefined) return undefined;
    write();
    const known = sequence(namespaceUid, id);
    if (known !== undefined && duplicate.oneBody === true) {
      const { same } = hasBody.get(event.body, known) as { same: number };
      if (same === 0) return { id, duplicateOf: id, leased: [], otherBody: true };
    }
    // The event may have been trimmed already: its key still says that it was here.
    const generation =
      known === undefined ? undefined : deliveries.rerun(known, duplicate.rerun === true, namespaceUid);
    return { id, duplicateOf: id, leased: [], ...(generation === undefined ? {} : { generation }) };
  }

  /** Its row, with a number of its own. */
  function rowOf({ namespaceUid, id, type, source, time, attributes, body }: StoredEvent): SQLInputValue[] {
    last += 1;
    return [last, namespaceUid, id, type, source, time ?? clock.now(), attributes, body];
  }

  function write(): void {
    rows.write();
    deliveries.write();
  }

  function gather(item: AppendItem): Appended {
    const { event, owed = false, known = false } = item;
    const [delivery] = item.deliveries;
    // Who says that it is known, and whose id may be that of another event, needs the tables.
    const isPlain = !known && item.duplicate !== undefined && item.deliveries.length === 1;
    if (!isPlain || delivery === undefined || !deliveries.isPlain(delivery)) return append(item);
    const answer = duplicateOf(item);
    if (answer !== undefined) return answer;
    rows.gather(rowOf(event));
    const lease = deliveries.gather(last, event, delivery, owed);
    return { id: event.id, leased: lease === undefined ? [] : [lease] };
  }

  function append(item: AppendItem): Appended {
    write();
    const { event, owed = false } = item;
    const answer = duplicateOf(item);
    if (answer !== undefined) return answer;
    const { namespaceUid, id } = event;
    // Nobody wants it: its key is kept, there is nothing to run.
    if (item.deliveries.length === 0) return { id, leased: [] };
    const isNew = rows.insert(rowOf(event));
    // The very same event again (an outbox repeated, a schedule's slot fired by two): the first one stands.
    const seq = isNew ? last : item.known === true ? sequence(namespaceUid, id) : undefined;
    if (seq === undefined) return { id, duplicateOf: id, leased: [] };
    const leased: Lease[] = [];
    for (const delivery of item.deliveries) {
      const lease = deliveries.add(seq, event, delivery, owed);
      if (lease !== undefined) leased.push(lease);
    }
    return { id, leased };
  }

  return {
    append,
    gather,
    write,
    isKnown: (namespaceUid, duplicate) => duplicates.isKnown(namespaceUid, duplicate),
    read(namespaceUid, id) {
      const row = byId.get(namespaceUid, id);
      return row === undefined ? undefined : toEvent(row);
    },
  };
}

export const eventColumns = 'id, scope, type, source, time, attributes, body';

export type EventColumns = readonly [
  id: string,
  scope: string,
  type: string,
  source: string,
  time: number,
  attributes: string,
  body: Uint8Array,
];

export function toEvent([id, namespaceUid, type, source, time, attributes, body]: EventColumns): StoredEvent {
  return { id, namespaceUid, type, source, time, attributes, body };
}
