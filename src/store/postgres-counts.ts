/** Counts of deliveries by state in PostgreSQL: rows of the hot table, and what each process counted of the ended ones. */
import type { Pool } from 'pg';
import type { Counts } from './counts.ts';
import { deliveryStates, type DeliveryState } from './store.ts';

/** In one statement, so in one moment: then a gap is a row that was lost or made up. */
export async function readCounts(pool: Pool): Promise<Counts> {
  const { rows } = await pool.query<{ name: string; value: string }>(
    `SELECT state AS name, count(*) AS value FROM moonhook_deliveries GROUP BY state
     UNION ALL
     SELECT 'deadKept', count(*) FROM moonhook_ended WHERE state = 'dead'
     UNION ALL
     SELECT n.name, n.value FROM (SELECT sum(created) AS created, sum(done) AS done, sum(dead) AS dead, sum(filtered) AS filtered,
         sum(cancelled) AS cancelled, sum(superseded) AS superseded FROM moonhook_counters) c
       CROSS JOIN LATERAL (VALUES ('created', c.created), ('done', c.done), ('dead', c.dead), ('filtered', c.filtered),
         ('cancelled', c.cancelled), ('superseded', c.superseded)) AS n (name, value)`,
  );
  const values = new Map(rows.map(({ name, value }) => [name, Number(value)]));
  const byState = Object.fromEntries(deliveryStates.map((state) => [state, values.get(state) ?? 0])) as Record<
    DeliveryState,
    number
  >;
  const created = values.get('created') ?? 0;
  const gap = created - deliveryStates.reduce((sum, state) => sum + byState[state], 0);
  return { created, byState, deadKept: values.get('deadKept') ?? 0, gap };
}
