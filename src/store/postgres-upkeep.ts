/** What a process does for everybody on PostgreSQL from time to time: lapsed leases, days of the table of ended rows, alarms. */
import type { ClientBase, Pool } from 'pg';
import { type ClockReading, describeClockStep } from './clock-step.ts';
import type { PostgresDestinations } from './postgres-destinations.ts';
import { returnLapsed } from './postgres-deliveries.ts';
import { dropPastPartitions, makePartitions } from './postgres-partitions.ts';
import type { Sessions } from './postgres-session.ts';
import { StandbyMissing, type StandbyWatch } from './postgres-standby.ts';
import { foldUsage, type PostgresTrim, type TrimPart } from './postgres-trim.ts';
import type { Retention } from './retention.ts';

export interface UpkeepSettings {
  readonly pool: Pool;
  readonly standby: StandbyWatch;
  readonly sessions: Sessions;
  readonly destinations: PostgresDestinations;
  readonly trim: PostgresTrim['parts'];
  retention(): Retention;
  /** Milliseconds, monotonic. */
  now(): number;
  /** From 0 up to 1. */
  random(): number;
  /** Rows of these destinations wait again. */
  onReturned(destinations: readonly string[]): void;
  /** Something people should look at. */
  onAlarm(message: string): void;
  onError(error: Error): void;
}

const intervalMs = 1000;
const lapsedAtOnce = 100;
const trimmedAtOnce = 500;
const alarmEveryMs = 30_000;
const hourMs = 3_600_000;
const oldTransactionSeconds = 60;

/** Answers the function that stops it. */
export function startUpkeep(settings: UpkeepSettings): () => Promise<void> {
  const { pool, sessions, random, onAlarm, onError } = settings;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let rounds = 0;
  let clock: ClockReading | undefined;

  async function lookAtClock(): Promise<void> {
    const { rows } = await pool.query<{ server: string }>('SELECT moonhook_now() AS server');
    const reading = { server: Number(rows[0]?.server), monotonic: settings.now() };
    const step = clock === undefined ? undefined : describeClockStep(clock, reading);
    clock = reading;
    if (step !== undefined) onAlarm(step);
  }

  async function lookForStandby(): Promise<void> {
    const missing = await settings.standby.look(pool);
    if (missing !== undefined) onAlarm(missing.message);
  }

  async function takeBack(): Promise<void> {
    for (;;) {
      const rows = await sessions.transaction(({ client }) => returnLapsed(client, lapsedAtOnce));
      if (rows.length === 0) return;
      const names = await settings.destinations.namesOf(rows.map(({ destination }) => destination));
      settings.onReturned([...names.values()]);
      if (rows.length < lapsedAtOnce || stopped) return;
    }
  }

  /** Piece by piece: no transaction of it is long, and what fails holds up nothing else. */
  async function trim(): Promise<void> {
    let left = settings.trim;
    for (;;) {
      left = await trimFor(intervalMs, left);
      if (left.length === 0 || stopped) return;
      // What a dead runtime held does not wait until all is trimmed, nor does what lapses meanwhile.
      await takeBack();
      left = settings.trim;
    }
  }

  /** Answers what is not done after so long. */
  async function trimFor(milliseconds: number, parts: readonly TrimPart[]): Promise<readonly TrimPart[]> {
    const began = settings.now();
    const failures: unknown[] = [];
    let left = parts;
    do {
      const more: TrimPart[] = [];
      await eachOf(left, failures, async (part) => {
        if (stopped) return;
        const gone = await sessions.transaction((session) => part(session, settings.retention(), trimmedAtOnce));
        if (gone >= trimmedAtOnce) more.push(part);
      });
      left = more;
    } while (left.length > 0 && settings.now() - began < milliseconds);
    if (failures.length > 0) onError(failures[0] as Error);
    return left;
  }

  async function round(): Promise<void> {
    const elapsed = rounds++ * intervalMs;
    const due = [takeBack, trim];
    if (elapsed % alarmEveryMs === 0)
      due.push(lookForStandby, () => lookForOldTransactions(pool, onAlarm), lookAtClock);
    if (elapsed > 0 && elapsed % hourMs === 0) {
      due.push(
        () => sessions.once(({ client }) => makePartitions(client)),
        () => sessions.once(({ client }) => dropPastPartitions(client)),
        () => sessions.transaction(foldCounters),
        () => sessions.transaction(foldUsage),
      );
    }
    const failures: unknown[] = [];
    await eachOf(due, failures, (work) => work());
    if (failures.length > 0) throw failures[0];
  }

  function plan(): void {
    if (!stopped) timer = setTimeout(run, intervalMs * (0.8 + 0.4 * random()));
  }

  function run(): void {
    running = round().catch(onError).then(plan);
  }

  let running: Promise<void> = Promise.resolve();
  plan();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}

/** One after the other, whether or not one fails. */
async function eachOf<Item>(items: readonly Item[], failures: unknown[], work: (item: Item) => Promise<void>) {
  for (const item of items) {
    await work(item).catch((error: unknown) => {
      // Told as an alarm, not each second.
      if (!(error instanceof StandbyMissing)) failures.push(error);
    });
  }
}

/** A transaction that stays open keeps every dead row of the hot table: leasing gets slower and slower. */
async function lookForOldTransactions(pool: Pool, onAlarm: (message: string) => void): Promise<void> {
  // One that waits for a standby is none to end: what it wrote would count as replicated.
  const { rows } = await pool.query<{ pid: number; seconds: number; application: string; state: string }>(
    `SELECT pid, extract(epoch FROM clock_timestamp() - xact_start)::int AS seconds, application_name AS application,
       coalesce(state, 'unknown') AS state
     FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
       AND wait_event IS DISTINCT FROM 'SyncRep'
       AND xact_start < clock_timestamp() - make_interval(secs => $1) ORDER BY xact_start LIMIT 1`,
    [oldTransactionSeconds],
  );
  for (const { pid, seconds, application, state } of rows) {
    onAlarm(
      `a transaction in the database has been open for ${seconds} s (process ${pid}, ${JSON.stringify(application)}, ${state}): dead rows cannot be cleared meanwhile; end it with pg_terminate_backend(${pid})`,
    );
  }
}

/** Adds the rows of processes that have been quiet for a day to one: a process that was only quiet starts a new one. */
async function foldCounters({ client }: { readonly client: ClientBase }): Promise<void> {
  await client.query(`
    WITH gone AS (
      DELETE FROM moonhook_counters WHERE process <> 'all' AND touched < moonhook_now() - 86400000 RETURNING *
    )
    INSERT INTO moonhook_counters AS c (process, created, done, dead, filtered, cancelled, superseded, touched)
    SELECT 'all', sum(created), sum(done), sum(dead), sum(filtered), sum(cancelled), sum(superseded), moonhook_now()
    FROM gone HAVING count(*) > 0
    ON CONFLICT (process) DO UPDATE SET created = c.created + excluded.created, done = c.done + excluded.done,
      dead = c.dead + excluded.dead, filtered = c.filtered + excluded.filtered, cancelled = c.cancelled + excluded.cancelled,
      superseded = c.superseded + excluded.superseded, touched = excluded.touched`);
}
