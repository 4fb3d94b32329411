/** Reading delivery rows in PostgreSQL: always of one namespace, a page at a time. */
import type { Pool } from 'pg';
import { deliveryStates, type DeliveryFilter, type DeliveryRow, type DeliveryState, type Page } from './store.ts';

const pageLimit = 1000;
/** bigint comes as text. */
const numbers: ReadonlySet<string> = new Set(['delivery', 'due', 'time', 'ended']);
const newer = `NOT EXISTS (SELECT 1 FROM moonhook_rows l
  WHERE l.event = d.event AND l.destination = d.destination AND l.generation > d.generation)`;

/** Rows that have not ended are looked for in the table that holds no others. */
const unended: readonly DeliveryState[] = ['waiting', 'held', 'leased'];
const unendedRows = '(SELECT *, NULL::text AS reason, NULL::bigint AS ended FROM moonhook_deliveries)';

export async function readDeliveries(pool: Pool, filter: DeliveryFilter, page: Page): Promise<DeliveryRow[]> {
  // Callers say what they look for: PostgreSQL's text holds no NUL, so no row has one there.
  if ([filter.eventId, filter.destination, filter.destinationPrefix].some((text) => text?.includes('\0'))) return [];
  const newestFirst = page.newestFirst === true;
  const { states = deliveryStates } = filter;
  const from = states.every((state) => unended.includes(state)) ? unendedRows : 'moonhook_rows';
  const { rows } = await pool.query<Record<string, unknown>>(
    `SELECT d.seq AS delivery, e.id AS "eventId", e.scope AS "namespaceUid", n.name AS destination, d.state, d.generation, d.attempts,
         d.crashes, d.due, d.order_key AS "orderKey", d.reason, d.error,
         e.type, e.time, d.ended
       FROM moonhook_events e JOIN ${from} d ON d.event = e.seq JOIN moonhook_destinations n ON n.id = d.destination
       WHERE e.scope = $1 AND ($2::bigint IS NULL OR ${newestFirst ? 'd.seq < $2' : 'd.seq > $2'}) AND ($3::text IS NULL OR e.id = $3) AND ($4::text IS NULL OR n.name = $4)
         AND ($5::text IS NULL OR starts_with(n.name, $5)) AND ($6::bytea IS NULL OR d.order_key = $6) AND d.state = ANY ($7::text[])
         AND ($9::bigint[] IS NULL OR d.seq = ANY ($9)) AND ($10::int IS NULL OR d.generation = $10)
         AND ($11::bigint IS NULL OR e.time >= $11) AND ($12::bigint IS NULL OR e.time < $12)
         ${filter.latest === true ? `AND ${newer}` : ''}
       ORDER BY d.seq ${newestFirst ? 'DESC' : ''} LIMIT $8`,
    [
      filter.namespaceUid,
      page.after ?? null,
      filter.eventId ?? null,
      filter.destination ?? null,
      filter.destinationPrefix ?? null,
      filter.orderKey === undefined ? null : Buffer.from(filter.orderKey, 'utf8'),
      states,
      Math.min(page.limit, pageLimit),
      filter.deliveries ?? null,
      filter.generation ?? null,
      filter.since ?? null,
      filter.until ?? null,
    ],
  );
  return rows.map(
    (row) =>
      Object.fromEntries(
        Object.entries(row)
          .filter(([, value]) => value !== null)
          .map(([name, value]) => [name, plainOf(name, value)]),
      ) as unknown as DeliveryRow,
  );
}

/** Texts of strangers are bytes there: PostgreSQL's text holds no NUL. */
function plainOf(name: string, value: unknown): unknown {
  if (numbers.has(name)) return Number(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value;
}

/** Every row of a filter, page by page. */
export async function allDeliveries(pool: Pool, filter: DeliveryFilter): Promise<DeliveryRow[]> {
  const found: DeliveryRow[] = [];
  for (;;) {
    const rows = await readDeliveries(pool, filter, { limit: pageLimit, after: found.at(-1)?.delivery ?? 0 });
    found.push(...rows);
    if (rows.length < pageLimit) return found;
  }
}
