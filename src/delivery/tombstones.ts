/**
 * What was deleted while deliveries waited for it: kept in the store, so that every worker and the next process knows. A
 * destination that is merely unknown is left alone: another runtime may serve it.
 */
import type { Store } from '../store/store.ts';
import type { KeyValueScope } from '../store/types.ts';
import { parseDestination } from './destination.ts';
import { parseOutgoing } from './outgoing-destination.ts';

export interface Tombstones {
  /** Whether it has been gone for long enough. What is not known yet is looked up, for the next time. */
  isGone(destination: string): boolean;
}

/** Of the function or subscription, and of the trigger. */
export function graveNames(destination: string): readonly string[] {
  const fn = parseDestination(destination);
  if (fn !== undefined) {
    const { functionName, target } = fn;
    return 'trigger' in target ? [functionName, `${functionName}/${target.trigger}`] : [functionName];
  }
  const outgoing = parseOutgoing(destination);
  if (outgoing === undefined) return [];
  return [outgoing.kind === 'callback' ? outgoing.name : subscriptionGrave(outgoing.name)];
}

export const subscriptionGrave = (name: string): string => `subscription:${name}`;

const pageSize = 500;

const scopeOf = (namespaceUid: string): KeyValueScope => ({ namespaceUid, space: '.tombstones' });

/** `now`: wall clock. Two processes that see the same deletion say the same. */
export async function bury(store: Store, namespaceUid: string, name: string, now: number): Promise<void> {
  const scope = scopeOf(namespaceUid);
  const value = Buffer.from(String(now));
  await store.write(
    [{ scope, key: name, change: { kind: 'set', value }, owed: true }],
    [{ scope, key: name, version: 0 }],
  );
}

/** What came back, of one namespace: its events go on where they wait. */
export async function exhume(store: Store, namespaceUid: string, present: ReadonlySet<string>): Promise<void> {
  const scope = scopeOf(namespaceUid);
  let after: string | undefined;
  do {
    const names = await store.list(scope, '', pageSize, after);
    const back = names.filter((name) => present.has(name));
    if (back.length > 0) {
      await store.write(
        back.map((key) => ({ scope, key, change: { kind: 'delete' }, owed: true })),
        [],
      );
    }
    after = names.length === pageSize ? names.at(-1) : undefined;
  } while (after !== undefined);
}

interface Known {
  readonly readAt: number;
  goneSince: number | undefined;
}

const mostKnown = 10_000;

export function createTombstones(
  store: Store,
  /** A function that comes back within this time finds its events waiting. */
  restMs: number,
  now: () => number,
  onError: (error: unknown) => void,
): Tombstones {
  /** By what may have been deleted: all handlers of a function are asked for as one. */
  const known = new Map<string, Known>();
  const freshMs = Math.min(30_000, restMs / 4);

  async function look(namespaceUid: string, names: readonly string[], entry: Known): Promise<void> {
    const rows = await Promise.all(names.map((name) => store.get(scopeOf(namespaceUid), name)));
    const times = rows.flatMap((row) => (row === undefined ? [] : [Number(Buffer.from(row.value).toString())]));
    entry.goneSince = times.length === 0 ? undefined : Math.min(...times);
  }

  return {
    isGone(destination) {
      const time = now();
      const namespaceUid = destination.slice(0, destination.indexOf('/'));
      const names = graveNames(destination);
      const key = `${namespaceUid} ${names.join(' ')}`;
      let entry = known.get(key);
      if (entry === undefined || time - entry.readAt >= freshMs) {
        const goneSince = entry?.goneSince;
        entry = { readAt: time, goneSince };
        if (known.size >= mostKnown) known.clear();
        known.set(key, entry);
        look(namespaceUid, names, entry).catch(onError);
      }
      return entry.goneSince !== undefined && time - entry.goneSince >= restMs;
    },
  };
}
