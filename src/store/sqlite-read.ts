/** Reading delivery rows in SQLite: always of one namespace, a page at a time. */
import type { DatabaseSync } from 'node:sqlite';
import { deliveryStates, type DeliveryFilter, type DeliveryRow, type DeliveryState, type Page } from './store.ts';

/** Rows of one page, at most. */
export const pageLimit = 1000;

type Condition = readonly [string, ...(string | number)[]];

const newer = `NOT EXISTS (SELECT 1 FROM deliveries n
  WHERE n.event = d.event AND n.destination = d.destination AND n.generation > d.generation)`;

export function readDeliveries(database: DatabaseSync, filter: DeliveryFilter, page: Page): DeliveryRow[] {
  const conditions = conditionsOf(filter, page);
  // One event is found by its id, everything else by walking deliveries in order until the page is full: those of other
  // namespaces are passed over without a look at their events.
  const from =
    filter.eventId === undefined
      ? 'scopes s CROSS JOIN deliveries d ON d.scope = s.id CROSS JOIN events e ON e.seq = d.event'
      : 'scopes s CROSS JOIN events e ON e.scope = s.uid CROSS JOIN deliveries d ON d.event = e.seq';
  const sql = `SELECT d.seq AS delivery, e.id AS eventId, e.scope AS namespaceUid, n.name AS destination, d.state, d.generation,
      d.attempts, d.crashes, d.due, d.order_key AS orderKey, d.reason, d.error, e.type, e.time, d.ended
    FROM ${from} CROSS JOIN destinations n ON n.id = d.destination
    WHERE ${conditions.map(([sql]) => sql).join(' AND ')}
    ORDER BY d.seq ${page.newestFirst === true ? 'DESC' : ''} LIMIT ? + 0`;
  const values = conditions.flatMap(([, ...each]) => each);
  const rows = database.prepare(sql).all(...values, Math.min(page.limit, pageLimit)) as unknown as DeliveryRow[];
  return rows.map(withoutNulls);
}

function conditionsOf(filter: DeliveryFilter, page: Page): readonly Condition[] {
  const { namespaceUid, eventId, destination, destinationPrefix, orderKey, generation, since, until } = filter;
  const list: Condition[] = [['s.uid = ?', namespaceUid]];
  if (page.after !== undefined) list.push([page.newestFirst === true ? 'd.seq < ?' : 'd.seq > ?', page.after]);
  if (filter.deliveries !== undefined) list.push([`d.seq IN (${marks(filter.deliveries)})`, ...filter.deliveries]);
  if (eventId !== undefined) list.push(['e.id = ?', eventId]);
  if (destination !== undefined) list.push([destinations('name = ?'), destination]);
  if (destinationPrefix !== undefined) {
    // U+10FFFF sorts after every character that can follow the prefix.
    list.push([destinations('name >= ? AND name < ?'), destinationPrefix, `${destinationPrefix}\u{10FFFF}`]);
  }
  if (orderKey !== undefined) list.push(['d.order_key = ?', orderKey]);
  if (generation !== undefined) list.push(['d.generation = ?', generation]);
  if (since !== undefined) list.push(['e.time >= ?', since]);
  if (until !== undefined) list.push(['e.time < ?', until]);
  if (filter.latest === true) list.push([newer]);
  const states = filter.states ?? deliveryStates;
  // In the words of the index of order keys.
  if (orderKey !== undefined && states.every((state) => ordered.includes(state)))
    list.push([`d.order_key IS NOT NULL AND d.state IN (${ordered.map((state) => `'${state}'`).join(', ')})`]);
  if (states.length < deliveryStates.length) list.push([`d.state IN (${marks(states)})`, ...states]);
  // In the words of the index of failed rows: they are few among many, and asked for most.
  if (states.every((state) => state === 'dead' || state === 'cancelled')) {
    list.push(["d.state IN ('dead', 'cancelled') AND d.scope = (SELECT id FROM scopes WHERE uid = ?)", namespaceUid]);
  }
  return list;
}

const ordered: readonly DeliveryState[] = ['waiting', 'held', 'leased'];

const destinations = (condition: string): string => `d.destination IN (SELECT id FROM destinations WHERE ${condition})`;

const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

function withoutNulls(row: DeliveryRow): DeliveryRow {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as unknown as DeliveryRow;
}
