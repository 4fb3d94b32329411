/** What changed between two route tables, function by function, and its application. */
import { differingKeys, LayeredMap } from './layered-map.ts';
import type { SubscriptionEntry } from './subscription-entry.ts';
import { encodeEntry } from './wire-format.ts';
import type { FunctionEntry, RouteTable } from './types.ts';

export type TableChange =
  | { readonly op: 'set'; readonly entry: FunctionEntry }
  /** `moved`: runtimes of another group serve it now; it was not deleted. */
  | { readonly op: 'delete'; readonly uid: string; readonly moved?: true }
  | { readonly op: 'setSubscription'; readonly subscription: SubscriptionEntry }
  | { readonly op: 'deleteSubscription'; readonly uid: string; readonly moved?: true };

/** The table before anything was applied. */
export const emptyTable: RouteTable = { version: 0, functions: new Map(), subscriptions: new Map() };

const noSubscriptions: ReadonlyMap<string, SubscriptionEntry> = new Map();

/** Of the function or subscription that changed. */
export function uidOfChange(change: TableChange): string {
  if (change.op === 'set') return change.entry.uid;
  if (change.op === 'setSubscription') return change.subscription.uid;
  return change.uid;
}

/** The changes that turn `before` into `after`. An entry that is the same object costs a comparison, or nothing. */
export function diffTables(before: RouteTable, after: RouteTable): readonly TableChange[] {
  const changes: TableChange[] = [];
  const gone: TableChange[] = [];
  for (const uid of differingKeys(before.functions, after.functions)) {
    const [old, entry] = [before.functions.get(uid), after.functions.get(uid)];
    if (entry === undefined) gone.push({ op: 'delete', uid });
    else if (old === undefined || !sameEntry(old, entry)) changes.push({ op: 'set', entry });
  }
  // Last: a successor under the same name serves before.
  changes.push(...gone);
  diffSubscriptions(before.subscriptions ?? noSubscriptions, after.subscriptions ?? noSubscriptions, changes);
  return changes;
}

function diffSubscriptions(
  before: ReadonlyMap<string, SubscriptionEntry>,
  after: ReadonlyMap<string, SubscriptionEntry>,
  changes: TableChange[],
): void {
  if (before === after) return;
  for (const [uid, subscription] of after) {
    const old = before.get(uid);
    const same = old === subscription || (old !== undefined && JSON.stringify(old) === JSON.stringify(subscription));
    if (!same) changes.push({ op: 'setSubscription', subscription });
  }
  for (const uid of before.keys()) if (!after.has(uid)) changes.push({ op: 'deleteSubscription', uid });
}

/** A new table; the given one stays as it is for the requests that still read it. */
export function applyChanges(table: RouteTable, changes: readonly TableChange[], version: number): RouteTable {
  const functions = new Map<string, FunctionEntry | undefined>();
  const before = table.subscriptions ?? noSubscriptions;
  let subscriptions: Map<string, SubscriptionEntry> | undefined;
  for (const change of changes) {
    if (change.op === 'set') functions.set(change.entry.uid, change.entry);
    else if (change.op === 'delete') functions.set(change.uid, undefined);
    else {
      subscriptions ??= new Map(before);
      if (change.op === 'setSubscription') subscriptions.set(change.subscription.uid, change.subscription);
      else subscriptions.delete(change.uid);
    }
  }
  const { functions: all } = table;
  const layered = all instanceof LayeredMap ? (all as LayeredMap<FunctionEntry>) : LayeredMap.of(all);
  return { version, functions: layered.with(functions), subscriptions: subscriptions ?? before };
}

function sameEntry(a: FunctionEntry, b: FunctionEntry): boolean {
  return a === b || (a.revision === b.revision && encodeEntry(a) === encodeEntry(b));
}
