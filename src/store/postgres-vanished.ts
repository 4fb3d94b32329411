/**
 * Everything of namespaces that are gone, in PostgreSQL, a piece at a time: first their rows, then their delivery ids. These
 * no index knows by namespace, which each accept would pay for; they are found on a walk through all of them in the order in
 * which they expire, one walk for all namespaces that wait for it. How far it has come stands in the database: whichever
 * process goes on, and whatever was undone.
 */
import type { ClientBase } from 'pg';
import { namespaceNumber } from './duplicate-hash.ts';
import { countSql, type Session } from './postgres-session.ts';

/** Part of the schema from its sixth version on: ids that expire before were looked at; null: its rows are not gone yet. */
export const vanishedIds = 'ALTER TABLE moonhook_vanished ADD COLUMN passed bigint;';

/** Ids looked at in one statement. */
const pieceKeys = 5_000;
/** Namespaces whose ids are looked for on one walk. */
const namespacesPerWalk = 1_000;
const never = '9223372036854775807';

/** Inside a transaction: deletes at most about `limit` rows of each kind; answers how many, or `limit` where there is more to do. */
export async function forgetVanished(session: Session, limit: number): Promise<number> {
  const { client } = session;
  const { rows } = await client.query<{ scope: string }>(
    'SELECT scope FROM moonhook_vanished WHERE passed IS NULL LIMIT 1',
  );
  const scope = rows[0]?.scope;
  const cleared = scope === undefined ? 0 : await clear(session, scope, limit);
  if (scope !== undefined && cleared === 0)
    await client.query('UPDATE moonhook_vanished SET passed = 0 WHERE scope = $1', [scope]);
  const walked = await walk(client, limit);
  return scope === undefined ? walked : limit;
}

/** Of an event with many deliveries some at a time, and itself when none is left. */
async function clear(session: Session, scope: string, limit: number): Promise<number> {
  const { client } = session;
  const countOf = async (sql: string, values: readonly unknown[]): Promise<number> =>
    (await client.query(sql, [...values])).rowCount ?? 0;
  let gone = await countOf(
    'DELETE FROM moonhook_key_values WHERE (scope, space, key) IN (SELECT scope, space, key FROM moonhook_key_values WHERE scope = $1 LIMIT $2)',
    [scope, limit],
  );
  const { rows } = await client.query<{ seq: string }>(
    'SELECT seq FROM moonhook_events WHERE scope = $1 ORDER BY seq LIMIT $2',
    [scope, limit],
  );
  if (rows.length === 0) return gone;
  const events = rows.map(({ seq }) => seq);
  const ended = await client.query<{ count: number }>(
    `WITH gone AS (
       DELETE FROM moonhook_deliveries WHERE seq IN (SELECT seq FROM moonhook_deliveries WHERE event = ANY ($1::bigint[]) LIMIT $3) RETURNING seq
     ), counted AS (${countSql('$2', { cancelled: '(SELECT count(*) FROM gone)' })})
     SELECT count(*)::int FROM gone`,
    [events, session.counter, limit],
  );
  gone += ended.rows[0]?.count ?? 0;
  gone += await countOf(
    'DELETE FROM moonhook_ended WHERE seq = ANY (ARRAY(SELECT seq FROM moonhook_ended WHERE event = ANY ($1::bigint[]) LIMIT $2))',
    [events, limit],
  );
  gone += await countOf(
    `DELETE FROM moonhook_events e WHERE e.seq = ANY ($1::bigint[])
       AND NOT EXISTS (SELECT 1 FROM moonhook_deliveries d WHERE d.event = e.seq)
       AND NOT EXISTS (SELECT 1 FROM moonhook_ended d WHERE d.event = e.seq)`,
    [events],
  );
  return gone;
}

/** Those that have come furthest go on, together; who comes meanwhile waits for the next walk. */
async function walk(client: ClientBase, limit: number): Promise<number> {
  const { rows } = await client.query<{ scope: string; passed: string }>(
    `SELECT scope, passed FROM moonhook_vanished WHERE passed = (SELECT max(passed) FROM moonhook_vanished)
     ORDER BY scope LIMIT ${namespacesPerWalk} FOR UPDATE`,
  );
  const [first] = rows;
  if (first === undefined) return 0;
  const { passed } = first;
  const scopes = rows.map(({ scope }) => scope);
  const { rows: borders } = await client.query<{ expires: string }>(
    `SELECT expires FROM moonhook_duplicates WHERE expires >= (SELECT $1::bigint) ORDER BY expires LIMIT 1 OFFSET ${pieceKeys}`,
    [passed],
  );
  const border = borders[0]?.expires;
  // Locked ones belong to somebody who has not heard yet; they go with their window.
  const { rowCount } = await client.query(
    `DELETE FROM moonhook_duplicates WHERE key IN (
       SELECT key FROM moonhook_duplicates WHERE expires >= (SELECT $1::bigint) AND expires <= (SELECT $2::bigint) AND endpoint >> 32 = ANY ($3::bigint[])
       ORDER BY expires LIMIT $4 FOR UPDATE SKIP LOCKED)`,
    [passed, border ?? never, scopes.map(namespaceNumber), limit],
  );
  if ((rowCount ?? 0) >= limit) return limit;
  if (border !== undefined) {
    await client.query('UPDATE moonhook_vanished SET passed = $2::bigint + 1 WHERE scope = ANY ($1::text[])', [
      scopes,
      border,
    ]);
    return limit;
  }
  await end(client, scopes);
  return limit;
}

/** What came in from somebody who had not heard goes, too: then all of it begins anew. */
async function end(client: ClientBase, scopes: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ scope: string }>(
    `DELETE FROM moonhook_vanished v WHERE v.scope = ANY ($1::text[])
       AND NOT EXISTS (SELECT 1 FROM moonhook_events e WHERE e.scope = v.scope)
       AND NOT EXISTS (SELECT 1 FROM moonhook_key_values k WHERE k.scope = v.scope) RETURNING v.scope`,
    [scopes],
  );
  await client.query('DELETE FROM moonhook_usage WHERE scope = ANY ($1::text[])', [rows.map(({ scope }) => scope)]);
  await client.query('UPDATE moonhook_vanished SET passed = NULL WHERE scope = ANY ($1::text[])', [scopes]);
}
