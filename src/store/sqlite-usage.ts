/** What each namespace has stored, in memory and in its row: changed with the rows, in their transaction, and judged by its quota. */
import type { DatabaseSync } from 'node:sqlite';
import type { Growth } from './growth.ts';
import { defaultStoreQuotas, refuseGrowth, storeQuotaOf, type StoreQuotas, type StoreUsage } from './quotas.ts';
import { dropNoted, putNoted, type Journal } from './sqlite-journal.ts';
import { StoreOverQuota } from './store-over-quota.ts';

type Amount = keyof StoreUsage;

export interface UsageBook {
  /** The small number of a namespace; a new one gets its row. */
  idOf(namespaceUid: string): number;
  of(namespaceUid: string): StoreUsage;
  /** `owed`: counted, but never a reason to refuse. */
  change(scope: number, amount: Amount, change: number, owed?: boolean): void;
  /** From here on growth is judged as one step. */
  begin(): void;
  /** Why the namespaces may not grow by so much; undefined: there is room. */
  refusal(growth: Growth): string | undefined;
  /** Throws `StoreOverQuota` if a namespace grew since `begin` and is above its quota now. */
  judge(): void;
  setQuotas(quotas: StoreQuotas): void;
  /** Inside the transaction, before its commit. */
  write(): void;
  /** Number and UID of every namespace that has stored something. */
  scopes(): Iterable<readonly [id: number, namespaceUid: string, usage: StoreUsage]>;
  /** The row of a namespace that holds nothing any more goes. */
  drop(scope: number): void;
}

interface Entry {
  readonly id: number;
  readonly uid: string;
  readonly usage: Record<Amount, number>;
  dirty: boolean;
}

const columns: Readonly<Record<Amount, string>> = {
  waitingRows: 'waiting_rows',
  waitingBytes: 'waiting_bytes',
  keyValueBytes: 'key_value_bytes',
  endedRows: 'ended_rows',
  endedBytes: 'ended_bytes',
};
const amounts = Object.keys(columns) as readonly Amount[];
const nothing: StoreUsage = { waitingRows: 0, waitingBytes: 0, keyValueBytes: 0, endedRows: 0, endedBytes: 0 };

export function createUsageBook(database: DatabaseSync, journal: Journal): UsageBook {
  const insert = database.prepare('INSERT INTO scopes (uid) VALUES (?) RETURNING id');
  const update = database.prepare(
    `UPDATE scopes SET ${amounts.map((amount) => `${columns[amount]} = ?`).join(', ')} WHERE id = ?`,
  );
  const remove = database.prepare('DELETE FROM scopes WHERE id = ?');
  const select = `SELECT id, uid, ${amounts.map((amount) => `${columns[amount]} AS ${amount}`).join(', ')} FROM scopes`;
  const byUid = new Map<string, Entry>();
  const byId = new Map<number, Entry>();
  // Lists: a cleared map or set leaves its table behind, thousands of times a second.
  let dirty: Entry[] = [];
  /** Growth since `begin`. */
  let grown: { readonly entry: Entry; readonly growth: Record<Amount, number> }[] = [];
  let quotas = defaultStoreQuotas;

  for (const row of database.prepare(select).all() as unknown as ({ id: number; uid: string } & StoreUsage)[]) {
    const { id, uid, ...usage } = row;
    const entry = { id, uid, usage, dirty: false };
    byUid.set(uid, entry);
    byId.set(id, entry);
  }

  return {
    idOf(uid) {
      const known = byUid.get(uid);
      if (known !== undefined) return known.id;
      const { id } = insert.get(uid) as { id: number };
      const entry = { id, uid, usage: { ...nothing }, dirty: false };
      putNoted(journal, byUid, uid, entry);
      putNoted(journal, byId, id, entry);
      return id;
    },
    of: (uid) => ({ ...(byUid.get(uid)?.usage ?? nothing) }),
    change(scope, amount, change, owed = false) {
      const entry = byId.get(scope);
      // A row of before namespaces were counted.
      if (entry === undefined || change === 0) return;
      entry.usage[amount] += change;
      journal.push(() => (entry.usage[amount] -= change));
      if (!entry.dirty) dirty.push(entry);
      entry.dirty = true;
      if (owed) return;
      let found = grown.find((each) => each.entry === entry);
      if (found === undefined) grown.push((found = { entry, growth: { ...nothing } }));
      found.growth[amount] += change;
    },
    begin() {
      if (grown.length > 0) grown = [];
    },
    refusal(growth) {
      for (const [uid, more] of growth) {
        const { waitingRows, waitingBytes, keyValueBytes } = byUid.get(uid)?.usage ?? nothing;
        const after = {
          waitingRows: waitingRows + more.waitingRows,
          waitingBytes: waitingBytes + more.waitingBytes,
          keyValueBytes: keyValueBytes + more.keyValueBytes,
        };
        const message = refuseGrowth(more, after, storeQuotaOf(quotas, uid));
        if (message !== undefined) return message;
      }
      return undefined;
    },
    judge() {
      for (const { entry, growth } of grown) {
        const { uid, usage } = entry;
        const message = refuseGrowth(growth, usage, storeQuotaOf(quotas, uid));
        if (message !== undefined) throw new StoreOverQuota(message);
      }
    },
    setQuotas: (given) => void (quotas = given),
    write() {
      for (const entry of dirty) {
        if (entry.dirty) update.run(...amounts.map((amount) => entry.usage[amount]), entry.id);
        entry.dirty = false;
      }
      dirty = [];
    },
    *scopes() {
      for (const { id, uid, usage } of byUid.values()) yield [id, uid, usage];
    },
    drop(scope) {
      const entry = byId.get(scope);
      if (entry === undefined) return;
      remove.run(scope);
      dropNoted(journal, byUid, entry.uid);
      dropNoted(journal, byId, scope);
      entry.dirty = false;
    },
  };
}

/**
 * Proves that the rows of usage agree with the counters of states, and counts everything anew where they do not: after a
 * migration, or when an older program has written to the database.
 */
export function checkUsage(database: DatabaseSync): void {
  const { agree } = database
    .prepare(
      `SELECT (SELECT coalesce(sum(waiting_rows), 0) FROM scopes) =
         (SELECT sum(value) FROM counters WHERE name IN ('waiting', 'held', 'leased'))
         AND NOT EXISTS (SELECT 1 FROM scopes WHERE min(waiting_rows, waiting_bytes, key_value_bytes, ended_rows, ended_bytes) < 0) AS agree`,
    )
    .get() as { agree: number };
  if (agree === 0) recountUsage(database);
}

/** Counts every row of the database. */
export function recountUsage(database: DatabaseSync): void {
  database.exec(`
    BEGIN IMMEDIATE;
    INSERT INTO scopes (uid) SELECT scope FROM events UNION SELECT scope FROM key_values WHERE true ON CONFLICT DO NOTHING;
    UPDATE deliveries SET (scope, bytes) =
      (SELECT s.id, 300 + octet_length(e.id) + octet_length(e.type) + octet_length(e.source) + octet_length(e.attributes) + octet_length(e.body)
       FROM events e JOIN scopes s ON s.uid = e.scope WHERE e.seq = deliveries.event) WHERE scope = 0;
    UPDATE scopes SET (waiting_rows, waiting_bytes, ended_rows, ended_bytes) =
      (SELECT count(*) FILTER (WHERE ended IS NULL), coalesce(sum(bytes) FILTER (WHERE ended IS NULL), 0),
              count(ended), coalesce(sum(bytes) FILTER (WHERE ended IS NOT NULL), 0) FROM deliveries WHERE scope = scopes.id),
      key_value_bytes = (SELECT coalesce(sum(octet_length(space) + octet_length(key) + octet_length(value) + 64), 0)
                         FROM key_values WHERE scope = scopes.uid);
    COMMIT;
  `);
}
