/** PostgreSQL as a store: schema, migration under a lock, and the settings without which it must not be trusted. */
import type { Pool, PoolClient } from 'pg';
import { StoreRefused } from './store-refused.ts';

const schemaVersion = 1;
/** Any constant: one migration at a time per database. */
const migrationLock = 7_350_142_611;
const oldestServer = 130_000;

/** Text columns hold no NUL (PostgreSQL refuses it): whatever strangers can choose is bytea. Times are milliseconds of `moonhook_now()`. */
const schema = `
  CREATE FUNCTION moonhook_now() RETURNS bigint LANGUAGE sql VOLATILE
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;
  CREATE TABLE moonhook_meta (name text PRIMARY KEY, value text NOT NULL);
  CREATE TABLE moonhook_destinations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
  CREATE TABLE moonhook_events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, scope text NOT NULL, id text NOT NULL, type text NOT NULL,
    source text NOT NULL, time bigint NOT NULL, attributes bytea NOT NULL, body bytea NOT NULL, UNIQUE (scope, id));
  CREATE TABLE moonhook_deliveries (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event bigint NOT NULL, destination bigint NOT NULL,
    generation integer NOT NULL, state text NOT NULL, due bigint NOT NULL, background smallint NOT NULL,
    attempts integer NOT NULL, crashes integer NOT NULL, epoch integer NOT NULL, lease_until bigint, order_key bytea,
    reason text, error bytea, ended bigint, UNIQUE (event, destination, generation)) WITH (fillfactor = 70);
  CREATE INDEX moonhook_deliveries_due ON moonhook_deliveries (destination, background, due, seq) WHERE state = 'waiting';
  CREATE INDEX moonhook_deliveries_order ON moonhook_deliveries (destination, order_key, seq)
    WHERE order_key IS NOT NULL AND state IN ('waiting', 'held', 'leased');
  CREATE INDEX moonhook_deliveries_leased ON moonhook_deliveries (lease_until) WHERE state = 'leased';
  CREATE TABLE moonhook_duplicates (key bytea PRIMARY KEY, event bigint NOT NULL, expires bigint NOT NULL);
  CREATE TABLE moonhook_key_values (
    scope text NOT NULL, space text NOT NULL, key bytea NOT NULL, value bytea NOT NULL, version bigint NOT NULL,
    expires bigint, owner bigint, PRIMARY KEY (scope, space, key));
  CREATE INDEX moonhook_key_values_owner ON moonhook_key_values (owner) WHERE owner IS NOT NULL;
  CREATE INDEX moonhook_key_values_expires ON moonhook_key_values (expires) WHERE expires IS NOT NULL;
  CREATE SEQUENCE moonhook_versions;
  CREATE TABLE moonhook_counters (process text NOT NULL, name text NOT NULL, value bigint NOT NULL, PRIMARY KEY (process, name));
`;

/** Refuses what cannot keep the promise, then creates or checks the schema. */
export async function preparePostgres(pool: Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await assertSettings(client);
    await migrate(client);
  } finally {
    client.release();
  }
}

/** For each new connection: limits that keep one stuck statement from holding everybody. */
export const sessionOptions =
  '-c synchronous_commit=on -c statement_timeout=5000 -c lock_timeout=1000 -c idle_in_transaction_session_timeout=10000';

async function assertSettings(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ version: string; fsync: string; recovery: boolean }>(
    "SELECT current_setting('server_version_num') AS version, current_setting('fsync') AS fsync, pg_is_in_recovery() AS recovery",
  );
  const [row] = rows;
  if (row === undefined || Number(row.version) < oldestServer)
    throw new StoreRefused('PostgreSQL 13 or newer is needed');
  if (row.fsync !== 'on')
    throw new StoreRefused('PostgreSQL runs with fsync=off: accepted events could be lost; switch it on');
  if (row.recovery)
    throw new StoreRefused('this PostgreSQL server is a read-only replica: give the address of the primary');
}

async function migrate(client: PoolClient): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock]);
    const { rows } = await client.query<{ present: string | null }>(
      "SELECT to_regclass('moonhook_meta')::text AS present",
    );
    if (rows[0]?.present === null) {
      await client.query(schema);
      await client.query("INSERT INTO moonhook_meta VALUES ('schema', $1)", [String(schemaVersion)]);
    } else {
      const known = await client.query<{ value: string }>("SELECT value FROM moonhook_meta WHERE name = 'schema'");
      const version = Number(known.rows[0]?.value);
      if (version > schemaVersion + 1) {
        throw new StoreRefused(
          `the database has schema version ${version}, this program knows ${schemaVersion}: use a newer Moonhook`,
        );
      }
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
