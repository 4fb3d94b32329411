/** Keeps leases alive while their deliveries run, and ends the calls whose lease was lost. */
import type { Lease, Store } from '../store/store.ts';

export interface KeptLease {
  readonly lease: Lease;
  readonly abort: AbortController;
}

/** Renews them three times within `leaseMs`; answers the function that stops it. */
export function keepLeases(options: {
  readonly store: Store;
  readonly leaseMs: number;
  held(): readonly KeptLease[];
  after(milliseconds: number, callback: () => void): () => void;
  onError(error: Error): void;
}): () => void {
  const { store, leaseMs, held, after, onError } = options;
  let stop = after(leaseMs / 3, () => void extend());

  async function extend(): Promise<void> {
    stop = after(leaseMs / 3, () => void extend());
    const receipts = held().map(({ lease }) => lease.receipt);
    if (receipts.length === 0) return;
    try {
      const lost = await store.extend(receipts, leaseMs);
      const gone = new Set(lost.map(({ delivery, epoch }) => `${delivery}/${epoch}`));
      for (const { lease, abort } of held()) {
        const { delivery, epoch } = lease.receipt;
        if (gone.has(`${delivery}/${epoch}`)) abort.abort(new Error('the lease was lost'));
      }
    } catch (error) {
      onError(error as Error);
    }
  }

  return () => stop();
}
