/**
 * Copies everything of one store into another of either engine: events, deliveries with their states, keys, duplicate keys,
 * and any further table that both engines have under one name. What the engines count for themselves is counted anew.
 */
import { StoreRefused } from './store-refused.ts';

export type CopyValue = null | number | string | Uint8Array;

/** A table by the name both engines know it by (`events`), and its columns. */
export interface CopyTable {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Sums that do not follow from the rows: what was created and has ended since the beginning, and the versions of keys. */
export type CopyCounters = Readonly<Record<string, number>>;

/** Reads one moment of a store. */
export interface CopySource {
  tables(): Promise<readonly CopyTable[]>;
  count(table: string): Promise<number>;
  /** In batches; values in the order of the columns. */
  rows(table: CopyTable): AsyncIterable<readonly (readonly CopyValue[])[]>;
  counters(): Promise<CopyCounters>;
  /** The clock of the store, milliseconds since the epoch. */
  now(): Promise<number>;
  /** Whose store it is; the copy is theirs, too. */
  owner(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** An empty store; nothing is there for others before `finish`. */
export interface CopyTarget {
  tables(): Promise<readonly CopyTable[]>;
  count(table: string): Promise<number>;
  write(table: string, columns: readonly string[], rows: readonly (readonly CopyValue[])[]): Promise<void>;
  finish(counters: CopyCounters, now: number, owner: string | undefined): Promise<void>;
  /** After `finish`: created less everything that is and was; 0, or rows were lost. */
  gap(): Promise<number>;
  /** Leaves no half of a copy behind unless `finish` has been called. */
  close(): Promise<void>;
}

export interface CopyProgress {
  readonly table: string;
  readonly rows: number;
  readonly total: number;
}

/** Rows copied, by table. */
export type CopiedCounts = Readonly<Record<string, number>>;

/** These come first, in this order; others after them. */
const order = ['destinations', 'events', 'deliveries', 'duplicates', 'key_values'];
/** Kept by an engine for itself: sums, places, what makes counting quick; and records, which tell of runs elsewhere. */
const derived: ReadonlySet<string> = new Set(['meta', 'counters', 'scopes', 'endpoints', 'usage', 'ended', 'records']);
/** Of a lease or of such sums. */
const derivedColumns: ReadonlySet<string> = new Set([
  'deliveries.scope',
  'deliveries.bytes',
  'deliveries.lease_until',
  'duplicates.endpoint',
]);

/** Throws `StoreRefused` before anything is written where something would be left behind. */
export async function copyStore(
  source: CopySource,
  target: CopyTarget,
  onProgress: (progress: CopyProgress) => void,
): Promise<CopiedCounts> {
  const [given, taken] = await Promise.all([source.tables(), target.tables()]);
  const plan: { readonly table: CopyTable; readonly total: number }[] = [];
  for (const table of given.toSorted((one, other) => rank(one.name) - rank(other.name))) {
    if (derived.has(table.name)) continue;
    const total = await source.count(table.name);
    const into = taken.find(({ name }) => name === table.name);
    if (into === undefined) {
      if (total === 0) continue;
      throw new StoreRefused(`the other engine has no table ${table.name}, and ${total} rows are in it`);
    }
    plan.push({ table: sharedColumns(table, into), total });
  }
  for (const { table, total } of plan) {
    if ((await target.count(table.name)) > 0)
      throw new StoreRefused(`the store to copy into is not empty: ${table.name}`);
    onProgress({ table: table.name, rows: 0, total });
  }
  const copied: Record<string, number> = {};
  for (const { table, total } of plan) {
    let rows = 0;
    for await (const batch of source.rows(table)) {
      await target.write(table.name, table.columns, table.name === 'deliveries' ? giveBack(table, batch) : batch);
      rows += batch.length;
      onProgress({ table: table.name, rows, total });
    }
    copied[table.name] = rows;
  }
  await target.finish(await source.counters(), await source.now(), await source.owner());
  await verify(source, target, copied);
  return copied;
}

function rank(name: string): number {
  const at = order.indexOf(name);
  return at === -1 ? order.length : at;
}

function sharedColumns({ name, columns }: CopyTable, into: CopyTable): CopyTable {
  const missing = (from: readonly string[], to: readonly string[]): readonly string[] =>
    from.filter((column) => !to.includes(column) && !derivedColumns.has(`${name}.${column}`));
  const lost = [...missing(columns, into.columns), ...missing(into.columns, columns)];
  if (lost.length > 0) {
    throw new StoreRefused(
      `the engines do not agree about ${name} (${lost.join(', ')}): use the same version for both`,
    );
  }
  return { name, columns: columns.filter((column) => !derivedColumns.has(`${name}.${column}`)) };
}

/** Nobody runs what was leased in the copy: the attempt is given back, and no receipt of the original settles it. */
function giveBack({ columns }: CopyTable, rows: readonly (readonly CopyValue[])[]): readonly (readonly CopyValue[])[] {
  const state = columns.indexOf('state');
  const attempts = columns.indexOf('attempts');
  const epoch = columns.indexOf('epoch');
  return rows.map((row) =>
    row[state] !== 'leased'
      ? row
      : row.map((value, column) => {
          if (column === state) return 'waiting';
          if (column === attempts) return Math.max(0, Number(value) - 1);
          return column === epoch ? Number(value) + 1 : value;
        }),
  );
}

async function verify(source: CopySource, target: CopyTarget, copied: CopiedCounts): Promise<void> {
  for (const [table, rows] of Object.entries(copied)) {
    const [from, to] = await Promise.all([source.count(table), target.count(table)]);
    if (from === rows && to === rows) continue;
    throw new Error(`${table}: ${from} rows to copy, ${rows} copied, ${to} arrived: do not use the copy`);
  }
  const gap = await target.gap();
  if (gap !== 0) throw new Error(`the counters of the copy do not agree with its rows (gap ${gap}): do not use it`);
}
