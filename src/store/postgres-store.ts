/** The store on PostgreSQL, for more than one runtime. Any number of processes share it; row locks and epochs keep them apart. */
import { CrashWatch } from './crash-watch.ts';
import { readEvent } from './postgres-append.ts';
import { createPostgresAppending } from './postgres-appending.ts';
import { readCounts } from './postgres-counts.ts';
import { createPostgresDestinations } from './postgres-destinations.ts';
import { createPostgresHeads } from './postgres-heads.ts';
import { createPostgresInterventions } from './postgres-interventions.ts';
import { createPostgresLeasing } from './postgres-leasing.ts';
import { openHints } from './postgres-listen.ts';
import { countBacklog, measureDatabase } from './postgres-measures.ts';
import { claimPostgres } from './postgres-owner.ts';
import type { PostgresParts } from './postgres-parts.ts';
import { openPool } from './postgres-pool.ts';
import { readDeliveries } from './postgres-read.ts';
import { createPostgresRecords } from './postgres-records.ts';
import { createSessions } from './postgres-session.ts';
import { createPostgresSettling } from './postgres-settling.ts';
import { createPostgresSockets } from './postgres-sockets.ts';
import { createStandbyWatch } from './postgres-standby.ts';
import { goodbyeMs, inPlainWords, sayPlainly } from './postgres-timeouts.ts';
import { createPostgresTrim } from './postgres-trim.ts';
import { startUpkeep } from './postgres-upkeep.ts';
import { createPostgresUsage } from './postgres-usage.ts';
import { createPostgresValues } from './postgres-values.ts';
import type { RecordBounds, RecordStore } from './records.ts';
import { defaultRetention, type Retention } from './retention.ts';
import type { Store } from './store.ts';

export interface PostgresSettings {
  readonly url: string;
  /** Names this process in the counters. */
  readonly processId: string;
  /** Lost connections that no caller is waiting for. */
  onError(error: Error): void;
  /** Something in the database that people should look at; default: an error. */
  onAlarm?(message: string): void;
  readonly retention?: Partial<Retention>;
}

/** A store of events with the records of calls on the same connections. */
export interface PostgresStore extends Store {
  records(bounds: RecordBounds): RecordStore;
}

export async function openPostgresStore(settings: PostgresSettings): Promise<PostgresStore> {
  const { url, processId, onAlarm = (message) => onError(new Error(message)) } = settings;
  let closed = false;
  /** What breaks because it is being closed is nobody's news. */
  const onError = (error: Error): void => {
    if (!closed) settings.onError(inPlainWords(error) as Error);
  };
  const sockets = createPostgresSockets();
  const pool = await openPool(url, sockets, onError);
  const now = (): number => performance.now();
  const random = (): number => Math.random();
  const standby = createStandbyWatch(now);
  const sessions = createSessions(pool, processId, standby);
  const destinations = createPostgresDestinations(pool, sessions);
  const usage = createPostgresUsage(pool, now);
  const listeners = new Set<() => void>();
  const wake = (): void => {
    for (const listener of listeners) listener();
  };
  const changed = (): void => {
    wake();
    hints.send();
  };
  const heads = createPostgresHeads({ pool, destinations, now, random, onDue: wake, onError });
  const hints = openHints({ url, processId, sockets, wake: () => heads.readSoon(), onError });
  let retention = { ...defaultRetention, ...settings.retention };
  const { parts: trim, keyWindow } = createPostgresTrim(now);
  const stopUpkeep = startUpkeep({
    trim,
    pool,
    standby,
    sessions,
    destinations,
    retention: () => retention,
    now,
    random,
    onReturned(returned) {
      for (const destination of returned) heads.note(destination, 0);
      changed();
    },
    onAlarm,
    onError,
  });

  const parts: PostgresParts = { pool, sessions, destinations, heads, usage, now, changed };
  const { times, ...appending } = createPostgresAppending(parts);
  const { held, forget, ...leasing } = createPostgresLeasing({ ...parts, watch: new CrashWatch(now), random, wake });

  return sayPlainly({
    durable: true,
    owner: (claim) => claimPostgres(pool, claim),
    ...appending,
    ...leasing,
    settle: createPostgresSettling(parts, { held, forget }),
    ...createPostgresInterventions(parts),
    ...createPostgresValues(parts),
    read: (filter, page) => readDeliveries(pool, filter, page),
    event: (namespaceUid, id) => readEvent(pool, namespaceUid, id),
    counts: () => readCounts(pool),
    records: (bounds) => sayPlainly(createPostgresRecords(pool, sessions, bounds)),
    setQuotas: async (quotas) => usage.setQuotas(quotas),
    setRetention: async (given) => void (retention = given),
    usage: (namespaceUid) => usage.of(namespaceUid),
    async backlog(destination, enough) {
      const id = (await destinations.find([destination])).get(destination);
      return id === undefined ? 0 : await countBacklog(pool, id, enough);
    },
    async purge(namespaceUid) {
      await sessions.once(({ client }) =>
        client.query('INSERT INTO moonhook_vanished VALUES ($1) ON CONFLICT DO NOTHING', [namespaceUid]),
      );
    },
    async measures() {
      const cut = keyWindow();
      return {
        diskLow: false,
        appends: times.read(),
        ...(await measureDatabase(pool)),
        ...(cut === undefined ? {} : { duplicateWindowMs: cut }),
        usage: await usage.all(),
      };
    },
    heads: () => heads.read(),
    wake(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    async ping() {
      await pool.query('SELECT 1');
    },
    async close() {
      closed = true;
      let ended: Promise<void> | undefined;
      const end = (): Promise<void> => (ended ??= pool.end());
      const impatience = setTimeout(() => {
        // What goes on fails, and opens no other connection.
        void end();
        sockets.cut();
      }, goodbyeMs);
      await Promise.all([hints.close(), heads.close(), stopUpkeep()]);
      await end();
      clearTimeout(impatience);
    },
  });
}
