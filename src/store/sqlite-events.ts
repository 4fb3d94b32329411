/** Appending events in SQLite: event, duplicate key and delivery rows in one go, inside the caller's transaction. */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { DeliveryRows } from './sqlite-deliveries.ts';
import type { StoreClock } from './store-clock.ts';
import type { AppendItem, Appended, DuplicateKey, Lease, StoredEvent } from './store.ts';

export interface EventRows {
  append(item: AppendItem): Appended;
  read(namespaceUid: string, id: string): StoredEvent | undefined;
}

interface DuplicateRow {
  readonly event: number;
}

export function createEventRows(database: DatabaseSync, clock: StoreClock, deliveries: DeliveryRows): EventRows {
  const insert = database.prepare(
    'INSERT INTO events (scope, id, type, source, time, attributes, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING seq',
  );
  const bySequence = database.prepare('SELECT id FROM events WHERE seq = ?');
  const byId = database.prepare(
    'SELECT seq, id, scope, type, source, time, attributes, body FROM events WHERE scope = ? AND id = ?',
  );
  const findKey = database.prepare('SELECT event FROM duplicates WHERE key = ? AND expires > ?');
  const putKey = database.prepare(
    'INSERT INTO duplicates (key, event, expires) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET event = excluded.event, expires = excluded.expires',
  );

  function duplicateOf(hash: Uint8Array, duplicate: DuplicateKey, item: AppendItem): Appended | undefined {
    const known = findKey.get(hash, clock.now()) as DuplicateRow | undefined;
    if (known === undefined) return undefined;
    const first = bySequence.get(known.event) as { id: string } | undefined;
    // The event was trimmed; its key is older than what it guarded.
    if (first === undefined) return undefined;
    const generation = deliveries.rerun(known.event, duplicate.rerun === true, item.event.namespaceUid);
    return { id: first.id, duplicateOf: first.id, leased: [], ...(generation === undefined ? {} : { generation }) };
  }

  return {
    append(item) {
      const { event, duplicate } = item;
      const hash = duplicate === undefined ? undefined : hashKey(event.namespaceUid, duplicate);
      if (hash !== undefined && duplicate !== undefined) {
        const answer = duplicateOf(hash, duplicate, item);
        if (answer !== undefined) return answer;
      }
      const { namespaceUid, id, type, source, time, attributes, body } = event;
      const row = insert.get(namespaceUid, id, type, source, time ?? clock.now(), attributes, body) as
        | { seq: number }
        | undefined;
      // The very same event again (an outbox repeated, a schedule's slot fired by two): the first one stands.
      const known = row === undefined && item.known === true ? byId.get(namespaceUid, id) : undefined;
      const seq = row?.seq ?? (known as { seq: number } | undefined)?.seq;
      if (seq === undefined) return { id, duplicateOf: id, leased: [] };
      if (hash !== undefined && duplicate !== undefined) putKey.run(hash, seq, clock.now() + duplicate.windowMs);
      const leased: Lease[] = [];
      for (const delivery of item.deliveries) {
        const lease = deliveries.add(seq, event, delivery);
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

/** 16 bytes of SHA-256: short rows keep the index of millions of keys small. */
function hashKey(namespaceUid: string, { endpoint, key }: DuplicateKey): Uint8Array {
  return createHash('sha256')
    .update(JSON.stringify([namespaceUid, endpoint, key]))
    .digest()
    .subarray(0, 16);
}
