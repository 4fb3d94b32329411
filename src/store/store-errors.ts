/** Failures of the store between threads: plain data on the way, the same error classes at both ends. */
import { StoreDiskLow } from './store-disk-low.ts';
import { StoreFailed } from './store-failed.ts';
import { StoreOverQuota } from './store-over-quota.ts';

export interface ErrorAnswer {
  readonly error: string;
  readonly kind?: 'overQuota' | 'diskLow';
}

export function fromError(error: Error): ErrorAnswer {
  if (error instanceof StoreOverQuota) return { error: error.message, kind: 'overQuota' };
  if (error instanceof StoreDiskLow) return { error: error.message, kind: 'diskLow' };
  return { error: error.message };
}

export function toError({ error, kind }: ErrorAnswer): Error {
  if (kind === 'overQuota') return new StoreOverQuota(error);
  return kind === 'diskLow' ? new StoreDiskLow(error) : new StoreFailed(error);
}
