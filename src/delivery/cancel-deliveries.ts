/** Cancelling many deliveries: a page at a time, so that nobody waits for all of them. */
import type { DeliveryFilter, Store } from '../store/store.ts';

const pageSize = 500;

/**
 * Ends what waits or is held, or what else the filter's states say, up to the delivery `last` (what is accepted meanwhile is
 * not meant); answers how many.
 */
export async function cancelDeliveries(
  store: Store,
  filter: DeliveryFilter,
  last = Number.MAX_SAFE_INTEGER,
): Promise<number> {
  const states = filter.states ?? ['waiting', 'held'];
  let cancelled = 0;
  for (let after = 0; ;) {
    const rows = await store.read({ ...filter, states }, { limit: pageSize, after });
    const meant = rows.filter(({ delivery }) => delivery <= last).map(({ delivery }) => delivery);
    if (meant.length > 0) {
      cancelled += await store.cancel({ namespaceUid: filter.namespaceUid, deliveries: meant, states });
    }
    if (rows.length < pageSize || meant.length < rows.length) return cancelled;
    after = rows.at(-1)?.delivery ?? after;
  }
}
