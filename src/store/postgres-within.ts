/** Settling and replaying on PostgreSQL within the quotas: what would go beyond one is told, the rest goes on. */
import type { Pool } from 'pg';
import { type Growth, growthOfAppend, growthOfSettle } from './growth.ts';
import { readEvent } from './postgres-append.ts';
import type { PostgresUsage } from './postgres-usage.ts';
import type { DeliveryRow, Settled, SettleItem, StoredEvent } from './store.ts';

/** `eventOf`: of a delivery this process has leased, which makes room when it ends. */
export async function settleWithin(
  usage: PostgresUsage,
  items: readonly SettleItem[],
  eventOf: (delivery: number) => StoredEvent | undefined,
  settle: (items: readonly SettleItem[]) => Promise<readonly Settled[]>,
): Promise<readonly Settled[]> {
  const answers = new Map<SettleItem, Settled>();
  const done: (() => void)[] = [];
  try {
    for (const item of items) {
      const growth = growthOfSettle(item, eventOf(item.receipt.delivery));
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

export async function growthOfReplay(pool: Pool, row: DeliveryRow): Promise<Growth> {
  const event = await readEvent(pool, row.namespaceUid, row.eventId);
  return event === undefined ? new Map() : growthOfAppend([{ event, deliveries: [{ destination: row.destination }] }]);
}
