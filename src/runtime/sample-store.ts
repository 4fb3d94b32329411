/** What the store tells a scrape: deliveries by state, what each namespace has stored, the space left. */
import { breakerKey } from '../delivery/breakers.ts';
import { isFanOut } from '../delivery/fan-out.ts';
import type { RouteTable } from '../routing/types.ts';
import { appendBounds } from '../store/append-times.ts';
import type { StoreUsage } from '../store/quotas.ts';
import type { Store } from '../store/store.ts';
import type { Sample } from '../telemetry/metrics.ts';
import { addresseeOf, subscriptionIn, whyNotServed } from './live/destination-view.ts';

/** Namespaces with labels of their own; the rest is `other`. */
const labelledNamespaces = 1000;

/** `broken`: breakers that are not closed. */
export async function sampleStore(
  sample: Sample,
  store: Store,
  table: RouteTable,
  broken: ReadonlySet<string>,
): Promise<void> {
  const [{ byState, deadKept, gap }, measures] = await Promise.all([store.counts(), store.measures()]);
  for (const [state, count] of Object.entries(byState)) sample.set('deliveries', count, { state });
  const { due, held } = oldestOf(measures.overdueMs, table, broken);
  sample.set('store_oldest_due_seconds', due / 1000);
  sample.set('store_oldest_held_seconds', held / 1000);
  sample.set('dead_letters', deadKept);
  sample.set('events_conservation_gap', gap);
  sample.histogram('store_append_seconds', appendBounds, measures.appends.buckets, measures.appends.seconds);
  sample.set('store_disk_low', measures.diskLow ? 1 : 0);
  if (measures.freeBytes !== undefined) sample.set('store_free_bytes', measures.freeBytes);
  sample.set('store_database_bytes', measures.databaseBytes);
  if (measures.logBytes !== undefined) sample.set('store_log_bytes', measures.logBytes);
  sample.set('store_duplicate_keys', measures.duplicateKeys);
  if (measures.duplicateWindowMs !== undefined) {
    sample.set('store_duplicate_window_seconds', measures.duplicateWindowMs / 1000);
  }
  for (const [namespace, usage] of byNamespace(measures.usage, table)) {
    sample.set('store_waiting_rows', usage.waitingRows, { namespace });
    sample.set('store_waiting_bytes', usage.waitingBytes, { namespace });
    sample.set('store_key_value_bytes', usage.keyValueBytes, { namespace });
    sample.set('store_ended_bytes', usage.endedBytes, { namespace });
  }
}

/** Nobody is to wake up for what rests by its owner's word, or because its receiver is down. */
function oldestOf(
  overdueMs: Readonly<Record<string, number>>,
  table: RouteTable,
  broken: ReadonlySet<string>,
): { readonly due: number; readonly held: number } {
  let [due, held] = [0, 0];
  for (const [destination, ms] of Object.entries(overdueMs)) {
    if (isHeld(destination, table, broken)) held = Math.max(held, ms);
    else due = Math.max(due, ms);
  }
  return { due, held };
}

function isHeld(destination: string, table: RouteTable, broken: ReadonlySet<string>): boolean {
  const namespaceUid = destination.slice(0, destination.indexOf('/'));
  const to = addresseeOf(destination);
  if (isFanOut(destination)) return false;
  if (whyNotServed(table, namespaceUid, to) !== undefined) return true;
  const url = to.kind === 'WebhookSubscription' ? subscriptionIn(table, namespaceUid, to.name)?.url : undefined;
  return url !== undefined && broken.has(breakerKey(namespaceUid, url));
}

/** Namespaces that the table does not know are `other`, too. */
function byNamespace(usage: Readonly<Record<string, StoreUsage>>, table: RouteTable): ReadonlyMap<string, StoreUsage> {
  const names = new Map<string, string>();
  for (const { namespace, namespaceUid } of [...table.functions.values(), ...(table.subscriptions?.values() ?? [])]) {
    names.set(namespaceUid, namespace);
  }
  const found = new Map<string, StoreUsage>();
  for (const [uid, used] of Object.entries(usage)) {
    const own = names.get(uid);
    const name = own === undefined || (found.size >= labelledNamespaces && !found.has(own)) ? 'other' : own;
    const sum = found.get(name);
    found.set(name, sum === undefined ? used : add(sum, used));
  }
  return found;
}

function add(one: StoreUsage, other: StoreUsage): StoreUsage {
  return {
    waitingRows: one.waitingRows + other.waitingRows,
    waitingBytes: one.waitingBytes + other.waitingBytes,
    keyValueBytes: one.keyValueBytes + other.keyValueBytes,
    endedRows: one.endedRows + other.endedRows,
    endedBytes: one.endedBytes + other.endedBytes,
  };
}
