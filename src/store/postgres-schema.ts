/** PostgreSQL as a store: schema, migration under a lock, and the settings without which it must not be trusted. */
import type { ClientBase, Pool, PoolClient } from 'pg';
import { accounts } from './postgres-accounts.ts';
import { duplicatePartitions, keyEndpoints } from './postgres-key-bound.ts';
import { makePartitions } from './postgres-partitions.ts';
import { recordTables } from './postgres-records.ts';
import { commit, idleMs, isUnanswered, lockMs, statementMs } from './postgres-timeouts.ts';
import { trimIndexes } from './postgres-trim.ts';
import { vanishedIds } from './postgres-vanished.ts';
import { StoreRefused } from './store-refused.ts';

/** Any constant: one migration at a time per database. */
const migrationLock = 7_350_142_611;
const migrationLockMs = 60_000;
const oldestServer = 130_000;

/**
 * Text columns hold no NUL (PostgreSQL refuses it): whatever strangers can choose is bytea. Times are milliseconds of
 * `moonhook_now()`. The hot table holds what waits, is held or leased; ended rows lie in a table partitioned by day.
 */
const schema = `
  CREATE FUNCTION moonhook_now() RETURNS bigint LANGUAGE sql VOLATILE
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;
  CREATE TABLE moonhook_meta (name text PRIMARY KEY, value text NOT NULL);
  CREATE TABLE moonhook_destinations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
  CREATE SEQUENCE moonhook_event_numbers;
  CREATE TABLE moonhook_events (
    seq bigint PRIMARY KEY DEFAULT nextval('moonhook_event_numbers'), scope text NOT NULL, id text NOT NULL,
    type text NOT NULL, source text NOT NULL, time bigint NOT NULL, attributes bytea NOT NULL, body bytea NOT NULL,
    UNIQUE (scope, id));
  CREATE TABLE moonhook_deliveries (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event bigint NOT NULL, destination bigint NOT NULL,
    generation integer NOT NULL, state text NOT NULL, due bigint NOT NULL, background smallint NOT NULL,
    attempts integer NOT NULL, crashes integer NOT NULL, epoch integer NOT NULL, lease_until bigint, order_key bytea,
    error bytea, UNIQUE (event, destination, generation),
    CHECK (state IN ('waiting', 'held', 'leased')))
    WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000,
      autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.1);
  CREATE INDEX moonhook_deliveries_due ON moonhook_deliveries (destination, background, due, seq) WHERE state = 'waiting';
  CREATE INDEX moonhook_deliveries_order ON moonhook_deliveries (destination, order_key, seq) WHERE order_key IS NOT NULL;
  CREATE INDEX moonhook_deliveries_leased ON moonhook_deliveries (destination, lease_until) WHERE state = 'leased';
  CREATE TABLE moonhook_ended (
    seq bigint NOT NULL, event bigint NOT NULL, destination bigint NOT NULL, generation integer NOT NULL,
    state text NOT NULL, due bigint NOT NULL, background smallint NOT NULL, attempts integer NOT NULL,
    crashes integer NOT NULL, epoch integer NOT NULL, order_key bytea, reason text, error bytea, ended bigint NOT NULL)
    PARTITION BY RANGE (ended);
  CREATE INDEX moonhook_ended_seq ON moonhook_ended (seq);
  CREATE INDEX moonhook_ended_event ON moonhook_ended (event);
  CREATE INDEX moonhook_ended_failed ON moonhook_ended (seq) WHERE state IN ('dead', 'cancelled');
  CREATE TABLE moonhook_ended_other PARTITION OF moonhook_ended DEFAULT;
  CREATE VIEW moonhook_rows AS
    SELECT seq, event, destination, generation, state, due, background, attempts, crashes, epoch, order_key,
      NULL::text AS reason, error, NULL::bigint AS ended FROM moonhook_deliveries
    UNION ALL
    SELECT seq, event, destination, generation, state, due, background, attempts, crashes, epoch, order_key,
      reason, error, ended FROM moonhook_ended;
  CREATE TABLE moonhook_duplicates (key bytea PRIMARY KEY, event text NOT NULL, expires bigint NOT NULL)
    PARTITION BY HASH (key);
  ${Array.from(
    { length: duplicatePartitions },
    (_, index) =>
      `CREATE TABLE moonhook_duplicates_${index} PARTITION OF moonhook_duplicates FOR VALUES WITH (MODULUS ${duplicatePartitions}, REMAINDER ${index});`,
  ).join('\n  ')}
  CREATE TABLE moonhook_key_values (
    scope text NOT NULL, space text NOT NULL, key bytea NOT NULL, value bytea NOT NULL, version bigint NOT NULL,
    expires bigint, owner bigint, PRIMARY KEY (scope, space, key));
  CREATE INDEX moonhook_key_values_owner ON moonhook_key_values (owner) WHERE owner IS NOT NULL;
  CREATE INDEX moonhook_key_values_expires ON moonhook_key_values (expires) WHERE expires IS NOT NULL;
  CREATE SEQUENCE moonhook_versions;
  CREATE TABLE moonhook_counters (
    process text PRIMARY KEY, created bigint NOT NULL, done bigint NOT NULL, dead bigint NOT NULL,
    filtered bigint NOT NULL, cancelled bigint NOT NULL, superseded bigint NOT NULL, touched bigint NOT NULL)
    WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
`;

/**
 * What each later version adds, in order. A version only adds what the version before can live with (expand); what nobody
 * needs any more goes one version later (contract): programs of two neighbouring versions run on one database.
 */
const migrations: readonly string[] = [schema, accounts, recordTables, trimIndexes, keyEndpoints, vanishedIds];

/** Refuses what cannot keep the promise, then creates the schema or brings it up to this program's version. */
export async function preparePostgres(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await assertServer(client);
    await migrate(client, migrations);
    await makePartitions(client);
  } finally {
    client.release();
  }
}

/** For each new connection: limits that keep one stuck statement from holding everybody. */
const session: Readonly<Record<string, { readonly set: string; readonly read: string }>> = {
  synchronous_commit: { set: 'on', read: 'on' },
  statement_timeout: { set: String(statementMs), read: `${statementMs / 1000}s` },
  lock_timeout: { set: String(lockMs), read: `${lockMs / 1000}s` },
  idle_in_transaction_session_timeout: { set: String(idleMs), read: `${idleMs / 1000}s` },
};

/** Start-up options of each connection. */
export const sessionOptions = Object.entries(session)
  .map(([name, { set }]) => `-c ${name}=${set}`)
  .join(' ');

/**
 * What frees the server of a client that takes or says nothing any more. One that froze amid a large answer keeps its locks,
 * and none of the limits above ends a statement whose answer is being sent. One whose machine is gone is noticed after a
 * minute and a half instead of two hours. Set afterwards: no start-up options that a pooler would have to know.
 */
const network: Readonly<Record<string, string>> = {
  tcp_user_timeout: String(idleMs),
  tcp_keepalives_idle: '60',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '3',
};

/** Not read back: a socket of the file system has none of it. */
export async function limitSilence(client: ClientBase): Promise<void> {
  await client.query('SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS s (name, value)', [
    Object.keys(network),
    Object.values(network),
  ]);
}

/** A pooler between us and the server may have dropped the options: then no connection is used. */
export async function assertSession(client: ClientBase): Promise<void> {
  await limitSilence(client);
  const { rows } = await client.query<{ name: string; value: string }>(
    'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name',
    [Object.keys(session)],
  );
  for (const { name, value } of rows) {
    if (value === session[name]?.read) continue;
    throw new StoreRefused(
      `the connection has ${name}=${value} instead of ${session[name]?.set}: is there a pooler that drops the start-up options? Connect to PostgreSQL itself, or let the pooler pass them on`,
    );
  }
}

async function assertServer(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ version: string; fsync: string; recovery: boolean }>(
    `SELECT current_setting('server_version_num') AS version, current_setting('fsync') AS fsync,
       pg_is_in_recovery() AS recovery`,
  );
  const [row] = rows;
  if (row === undefined || Number(row.version) < oldestServer)
    throw new StoreRefused('PostgreSQL 13 or newer is needed');
  if (row.fsync !== 'on')
    throw new StoreRefused('PostgreSQL runs with fsync=off: accepted events could be lost; switch it on');
  if (row.recovery)
    throw new StoreRefused('this PostgreSQL server is a read-only replica: give the address of the primary');
}

/** Applies what the database lacks, one process at a time; exported for tests, which bring their own versions. */
export async function migrate(client: ClientBase, versions: readonly string[]): Promise<void> {
  await client.query('BEGIN');
  try {
    // A migration may take its time, and others wait for it; both longer than the limits of everyday statements.
    await client.query(`SET LOCAL lock_timeout = ${migrationLockMs}; SET LOCAL statement_timeout = 0`);
    await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    const version = await schemaVersion(client);
    if (version > versions.length + 1) {
      throw new StoreRefused(
        `the database has schema version ${version}, this program knows ${versions.length}: use a newer Moonhook`,
      );
    }
    for (const [index, statements] of versions.entries()) {
      if (index < version) continue;
      await client.query(statements);
      await client.query(
        "INSERT INTO moonhook_meta VALUES ('schema', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [String(index + 1)],
      );
    }
    await client.query(commit);
  } catch (error) {
    if (!isUnanswered(error)) await client.query('ROLLBACK');
    if ((error as { readonly code?: unknown }).code !== '55P03') throw error;
    throw new StoreRefused(
      `the schema could not be brought up to date within ${migrationLockMs / 1000} s, since another transaction holds a lock on it: end what pg_blocking_pids() names, or start again when it is over`,
      { cause: error },
    );
  }
}

async function schemaVersion(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ present: string | null }>(
    "SELECT to_regclass('moonhook_meta')::text AS present",
  );
  if (rows[0]?.present === null) return 0;
  const known = await client.query<{ value: string }>("SELECT value FROM moonhook_meta WHERE name = 'schema'");
  const version = Number(known.rows[0]?.value);
  if (!Number.isInteger(version)) throw new StoreRefused('the database does not say which schema version it has');
  return version;
}
