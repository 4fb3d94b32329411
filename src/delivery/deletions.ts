/** Which functions, triggers and subscriptions left a table, and which came: what tombstones follow. Pure. */
import { differingKeys } from '../routing/layered-map.ts';
import type { SubscriptionEntry } from '../routing/subscription-entry.ts';
import type { FunctionEntry, RouteTable } from '../routing/types.ts';
import { subscriptionGrave } from './tombstones.ts';

/** Namespace UID → names as tombstones have them. */
export type GraveNames = ReadonlyMap<string, ReadonlySet<string>>;

type Entry = Pick<FunctionEntry, 'namespaceUid' | 'name'> & Partial<Pick<FunctionEntry, 'triggers'>>;

/** Only entries that differ are looked into. */
export function compareTables(
  before: RouteTable,
  after: RouteTable,
): { readonly gone: GraveNames; readonly back: GraveNames } {
  const [left, came] = [new Map<string, Set<string>>(), new Map<string, Set<string>>()];
  collect(before.functions, after.functions, functionNames, left);
  collect(after.functions, before.functions, functionNames, came);
  const none: ReadonlyMap<string, SubscriptionEntry> = new Map();
  collect(before.subscriptions ?? none, after.subscriptions ?? none, subscriptionNames, left);
  collect(after.subscriptions ?? none, before.subscriptions ?? none, subscriptionNames, came);
  // Deleted and made again under another UID: it is there.
  for (const [namespaceUid, names] of came) for (const name of names) left.get(namespaceUid)?.delete(name);
  return { gone: left, back: came };
}

/** Adds the names that the entries of `from` have and those of `to` have not. */
function collect<Item extends Entry>(
  from: ReadonlyMap<string, Item>,
  to: ReadonlyMap<string, Item>,
  namesOf: (entry: Item) => readonly string[],
  into: Map<string, Set<string>>,
): void {
  for (const uid of differingKeys(from, to)) {
    const [entry, other] = [from.get(uid), to.get(uid)];
    if (entry === undefined) continue;
    const kept = new Set(other === undefined ? [] : namesOf(other));
    for (const name of namesOf(entry)) {
      if (kept.has(name)) continue;
      const names = into.get(entry.namespaceUid);
      if (names === undefined) into.set(entry.namespaceUid, new Set([name]));
      else names.add(name);
    }
  }
}

function functionNames({ name, triggers }: FunctionEntry): readonly string[] {
  return [name, ...triggers.map((trigger) => `${name}/${trigger.name}`)];
}

function subscriptionNames({ name }: SubscriptionEntry): readonly string[] {
  return [subscriptionGrave(name)];
}
