/** What the store knows for a kubernetes trigger: its position, and one row for each object that is selected. */
import type { TriggerKey } from '../../link/append-messages.ts';
import type { KeyValueExpectation, KeyValueWrite, Store } from '../../store/store.ts';
import type { KeyValueScope } from '../../store/types.ts';

/** Where a trigger stands. */
export interface Position {
  /** Grows with each opening: an older one is refused. */
  readonly term: number;
  /** Of the leader that opened it. */
  readonly epoch: number;
  /** Hash of what is watched. */
  readonly selection: string;
  /** How often it started from nothing. */
  readonly baseline: number;
  /** Everything that was there at that start is stored. */
  readonly ready: boolean;
}

/** One object as it was stored last. */
export interface ObjectRow {
  readonly version: string;
  readonly term: number;
  readonly namespace?: string;
  readonly name: string;
  readonly expressions: string;
  /** JSON of the value of `changed`. */
  readonly changed?: string;
  /** Whether that state passed the filter. */
  readonly passed: boolean;
  /** Id of the event that the object was added with, until something of it is known to have run. */
  readonly added?: string;
}

/** A row or position, and what a write of it must expect. */
export interface Held<Value> {
  readonly value: Value | undefined;
  readonly expectation: KeyValueExpectation;
}

const positionsOf = (namespaceUid: string): KeyValueScope => ({ namespaceUid, space: '.cluster-events' });
const rowsOf = (namespaceUid: string): KeyValueScope => ({ namespaceUid, space: '.cluster-objects' });
const prefixOf = (key: TriggerKey): string => `${key.function}/${key.trigger}/`;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

async function read<Value>(store: Store, scope: KeyValueScope, key: string): Promise<Held<Value>> {
  const stored = await store.get(scope, key);
  return {
    value: stored === undefined ? undefined : (JSON.parse(decoder.decode(stored.value)) as Value),
    expectation: { scope, key, version: stored?.version ?? 0 },
  };
}

export function readPosition(store: Store, namespaceUid: string, key: TriggerKey): Promise<Held<Position>> {
  return read(store, positionsOf(namespaceUid), `${key.function}/${key.trigger}`);
}

export function readRow(store: Store, namespaceUid: string, key: TriggerKey, uid: string): Promise<Held<ObjectRow>> {
  return read(store, rowsOf(namespaceUid), prefixOf(key) + uid);
}

/** Undefined deletes. What the host notes is its own: a namespace without room must not lose its place. */
export function writeHeld<Value>(
  { expectation: { scope, key } }: Held<Value>,
  value: Value | undefined,
): KeyValueWrite {
  if (value === undefined) return { scope, key, change: { kind: 'delete' }, owed: true };
  return { scope, key, change: { kind: 'set', value: encoder.encode(JSON.stringify(value)) }, owed: true };
}

/** Uids of the objects that have a row, in order. */
export async function listRows(
  store: Store,
  namespaceUid: string,
  key: TriggerKey,
  limit: number,
  after: string,
): Promise<readonly string[]> {
  const prefix = prefixOf(key);
  const keys = await store.list(rowsOf(namespaceUid), prefix, limit, after === '' ? undefined : prefix + after);
  return keys.map((each) => each.slice(prefix.length));
}

/** Position and rows go, piece by piece. */
export async function forgetTrigger(store: Store, namespaceUid: string, key: TriggerKey): Promise<void> {
  const pageSize = 500;
  const scope = rowsOf(namespaceUid);
  for (;;) {
    const keys = await store.list(scope, prefixOf(key), pageSize);
    const gone: KeyValueWrite[] = keys.map((each) => ({ scope, key: each, change: { kind: 'delete' }, owed: true }));
    if (gone.length > 0) await store.write(gone, []);
    if (keys.length < pageSize) break;
  }
  const { expectation } = await readPosition(store, namespaceUid, key);
  if (expectation.version > 0) await store.write([writeHeld({ value: undefined, expectation }, undefined)], []);
}
