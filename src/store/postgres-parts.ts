/** What the operations of one open PostgreSQL store stand on. */
import type { Pool } from 'pg';
import type { PostgresDestinations } from './postgres-destinations.ts';
import type { PostgresHeads } from './postgres-heads.ts';
import type { Sessions } from './postgres-session.ts';
import type { PostgresUsage } from './postgres-usage.ts';
import type { AppendItem } from './store.ts';

export interface PostgresParts {
  readonly pool: Pool;
  readonly sessions: Sessions;
  readonly destinations: PostgresDestinations;
  readonly heads: PostgresHeads;
  readonly usage: PostgresUsage;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Something has become due: this process looks at once, the others soon. */
  changed(): void;
}

/** Bytes of one transaction that several calls share; beside its own bytes each row weighs a fixed part. */
export const batchBytes = 4 * 1024 * 1024;
export const rowBytes = 8192;

/** This process knows at once where new deliveries wait. */
export function noteAppended(heads: PostgresHeads, items: readonly AppendItem[]): void {
  for (const { deliveries } of items) {
    for (const { destination, delayMs = 0 } of deliveries) heads.note(destination, delayMs);
  }
}
