/** How leased deliveries end on PostgreSQL: in batches, within the quotas; what would go beyond one is told, the rest goes on. */
import { growthOfSettle } from './growth.ts';
import { answersByCall, createBatches, refusalOfValues } from './postgres-batches.ts';
import type { PostgresLeasing } from './postgres-leasing.ts';
import { batchBytes, noteAppended, rowBytes, type PostgresParts } from './postgres-parts.ts';
import { settleItems } from './postgres-settle.ts';
import type { Settled, SettleItem, Store } from './store.ts';

export function createPostgresSettling(
  parts: PostgresParts,
  leasing: Pick<PostgresLeasing, 'held' | 'forget'>,
): Store['settle'] {
  const { sessions, destinations, heads, usage, now, changed } = parts;

  const settle = createBatches<readonly SettleItem[], readonly Settled[]>({
    run: async (calls) => answersByCall(calls, await settleItems(sessions, calls.flat(), destinations)),
    weigh: (items) => items.length * rowBytes,
    most: batchBytes,
    now,
  });

  async function settleWithin(items: readonly SettleItem[]): Promise<readonly Settled[]> {
    const answers = new Map<SettleItem, Settled>();
    const done: (() => void)[] = [];
    try {
      for (const item of items) {
        // What this process has leased makes room when it ends.
        const growth = growthOfSettle(item, leasing.held(item.receipt.delivery)?.event);
        if (growth.size === 0) continue;
        const admitted = await usage.admit(growth, item.writes ?? []);
        if ('refused' in admitted) answers.set(item, { overQuota: admitted.refused });
        else done.push(admitted.done);
      }
      const rest = items.filter((item) => !answers.has(item));
      const settled = rest.length === 0 ? [] : await settle(rest);
      for (const [index, item] of rest.entries()) answers.set(item, settled[index] ?? 'stale');
    } finally {
      for (const each of done) each();
    }
    return items.map((item) => answers.get(item) ?? 'stale');
  }

  function noteSettled({ receipt, ending, append = [] }: SettleItem): void {
    const destination = leasing.held(receipt.delivery)?.destination;
    if (ending.kind === 'retry' && destination !== undefined) heads.note(destination, ending.delayMs);
    leasing.forget(receipt.delivery);
    noteAppended(heads, append);
  }

  /** What can never be written is told: kept and tried again, it would hold its place for ever. */
  function refused(items: readonly SettleItem[], error: unknown): readonly Settled[] {
    const code = refusalOfValues(error);
    if (items.length !== 1 || code === undefined) throw error;
    // The server's own words name tables and indexes, which are nobody's business here.
    return [{ overQuota: `the database refuses what the call has stored: SQLSTATE ${code}` }];
  }

  return async (items) => {
    const settled = await settleWithin(items).catch((error: unknown) => refused(items, error));
    for (const [index, item] of items.entries()) {
      if (settled[index] !== 'conflict' && typeof settled[index] !== 'object') noteSettled(item);
    }
    changed();
    return settled;
  };
}
