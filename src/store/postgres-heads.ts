/**
 * Which destinations have due rows, remembered in this process: own changes are noted at once, everybody's are read from
 * PostgreSQL every second whatever hints say, and soon after a hint.
 */
import type { Pool } from 'pg';
import type { PostgresDestinations } from './postgres-destinations.ts';
import type { Head } from './store.ts';
import { ToldHeads } from './told-heads.ts';

export interface PostgresHeads {
  /** The first call waits until the database was read once. */
  read(): Promise<readonly Head[]>;
  /** A row of this destination waits for so long. */
  note(destination: string, delayMs: number): void;
  /** Nothing more was due there when it was leased from, which began at `since`; what comes later is read soon. */
  exhausted(destination: string, since: number): void;
  /** Reads soon, at most 20 times a second. */
  readSoon(): void;
  close(): Promise<void>;
}

export interface HeadSettings {
  readonly pool: Pool;
  readonly destinations: PostgresDestinations;
  /** Milliseconds, monotonic. */
  now(): number;
  /** From 0 up to 1. */
  random(): number;
  /** Something is due that was not known before. */
  onDue(): void;
  onError(error: Error): void;
}

const intervalMs = 1000;
const soonMs = 50;

/** `head`: the earliest waiting row of each destination. One step in the index for each, however many rows wait. */
export const withHeads = `
  WITH RECURSIVE head AS (
    (SELECT destination, background, due FROM moonhook_deliveries WHERE state = 'waiting' ORDER BY destination, background, due LIMIT 1)
    UNION ALL
    SELECT next.destination, next.background, next.due FROM head CROSS JOIN LATERAL (
      SELECT destination, background, due FROM moonhook_deliveries
      WHERE state = 'waiting' AND (destination, background) > (head.destination, head.background)
      ORDER BY destination, background, due LIMIT 1) next)`;

const headsSql = `${withHeads}
  SELECT destination, min(due) - moonhook_now() AS wait FROM head GROUP BY destination`;

export function createPostgresHeads(settings: HeadSettings): PostgresHeads {
  const { pool, destinations, now, random, onDue, onError } = settings;
  /** Destination → when its earliest row is due, on the monotonic clock. */
  let due = new Map<string, number>();
  let noted = new Map<string, number>();
  /** Destination → the earliest noted due time that lies ahead: what is left when nothing more is due now. */
  const ahead = new Map<string, number>();
  /** Destination → when a row of it was noted last. */
  const touched = new Map<string, number>();
  const told = new ToldHeads();
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Infinity;
  let reading: Promise<void> | undefined;
  let lastRead = -Infinity;
  let again = false;
  let closed = false;

  function noteIn(map: Map<string, number>, destination: string, when: number): void {
    const known = map.get(destination);
    if (known === undefined || when < known) map.set(destination, when);
  }

  async function load(): Promise<void> {
    noted = new Map();
    const { rows } = await pool.query<{ destination: string; wait: string }>({
      name: 'moonhook_heads',
      text: headsSql,
    });
    const names = await destinations.namesOf(rows.map(({ destination }) => Number(destination)));
    const at = now();
    const next = new Map<string, number>();
    for (const { destination, wait } of rows) {
      const name = names.get(Number(destination));
      if (name !== undefined) next.set(name, at + Number(wait));
    }
    const news = [...next].some(([name, when]) => when <= at && !((due.get(name) ?? Infinity) <= at));
    // What this process did while the database was read may not be in its answer.
    for (const [name, when] of noted) noteIn(next, name, when);
    due = next;
    if (news) onDue();
  }

  function read(): Promise<void> {
    reading ??= load()
      .catch(onError)
      .finally(() => {
        reading = undefined;
        lastRead = now();
        timerAt = Infinity;
        plan(again ? soonMs : intervalMs * (0.8 + 0.4 * random()));
        again = false;
      });
    return reading;
  }

  function plan(waitMs: number): void {
    if (closed || now() + waitMs >= timerAt) return;
    clearTimeout(timer);
    timerAt = now() + waitMs;
    timer = setTimeout(() => void read(), waitMs);
  }

  function readSoon(): void {
    if (reading !== undefined) again = true;
    else plan(Math.max(0, soonMs - (now() - lastRead)));
  }

  const first = read();
  return {
    async read() {
      await first;
      const at = now();
      return told.choose(due.entries().map(([destination, when]) => [destination, Math.ceil(when - at)] as const));
    },
    note(destination, delayMs) {
      const at = now();
      const when = at + delayMs;
      touched.set(destination, at);
      if (delayMs > 0 && !((ahead.get(destination) ?? 0) > at && (ahead.get(destination) ?? 0) <= when))
        ahead.set(destination, when);
      noteIn(due, destination, when);
      noteIn(noted, destination, when);
    },
    exhausted(destination, since) {
      readSoon();
      if ((touched.get(destination) ?? -Infinity) >= since || (due.get(destination) ?? 0) > now()) return;
      touched.delete(destination);
      noted.delete(destination);
      const next = ahead.get(destination) ?? 0;
      ahead.delete(destination);
      if (next > now()) due.set(destination, next);
      else due.delete(destination);
    },
    readSoon,
    async close() {
      closed = true;
      clearTimeout(timer);
      await reading;
    },
  };
}
