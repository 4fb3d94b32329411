/** Key-value rows in PostgreSQL. Writes run inside the caller's transaction; keys are locked in one order, absent ones, too. */
import type { ClientBase, Pool } from 'pg';
import { keyName, planWrites, type PlannedWrite, type PresentValue, type WriteUnit } from './plan-writes.ts';
import type { Claim, Written } from './store.ts';
import type { KeyValueScope, Versioned } from './types.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const live = '(expires IS NULL OR expires > moonhook_now())';

export async function getKeyValue(
  client: ClientBase | Pool,
  { namespaceUid, space }: KeyValueScope,
  key: string,
): Promise<Versioned | undefined> {
  const { rows } = await client.query<{ value: Buffer; version: string; expires: string | null }>(
    `SELECT value, version, expires FROM moonhook_key_values WHERE scope = $1 AND space = $2 AND key = $3 AND ${live}`,
    [namespaceUid, space, bytes(key)],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const { value, version, expires } = row;
  const expiry = expires === null ? {} : { expires: Number(expires) };
  return { value: new Uint8Array(value), version: Number(version), ...expiry };
}

/** Writes the units one after the other, each whole or not at all; their keys stay locked until the transaction ends. */
export async function writeKeyValues(client: ClientBase, units: readonly WriteUnit[]): Promise<readonly Written[]> {
  const named = units.flatMap(({ writes, expectations }) => [...writes, ...expectations]);
  if (named.length === 0) return units.map(() => ({ kind: 'ok', numbers: [] }));
  const keys = [...new Map(named.map(({ scope, key }) => [keyName(scope, key), { scope, key }])).values()];
  await client.query(
    'SELECT pg_advisory_xact_lock(l.key) FROM (SELECT DISTINCT hashtextextended(n, 0) AS key FROM unnest($1::text[]) AS n ORDER BY 1) l',
    [keys.map(({ scope, key }) => keyName(scope, key))],
  );
  const columns = [
    keys.map(({ scope }) => scope.namespaceUid),
    keys.map(({ scope }) => scope.space),
    keys.map(({ key }) => bytes(key)),
  ];
  const { rows } = await client.query<{ n: string; value: Buffer; version: string }>(
    `SELECT u.n - 1 AS n, k.value, k.version FROM unnest($1::text[], $2::text[], $3::bytea[]) WITH ORDINALITY AS u (scope, space, key, n)
     JOIN moonhook_key_values k ON k.scope = u.scope AND k.space = u.space AND k.key = u.key WHERE ${live}`,
    columns,
  );
  const present = new Map<string, PresentValue>();
  for (const { n, value, version } of rows) {
    const named_ = keys[Number(n)];
    if (named_ !== undefined) present.set(keyName(named_.scope, named_.key), { value, version: Number(version) });
  }
  const { answers, changes } = planWrites(units, present);
  await applyChanges(client, changes);
  return answers;
}

async function applyChanges(client: ClientBase, changes: readonly PlannedWrite[]): Promise<void> {
  const columns = (of: readonly PlannedWrite[]) => [
    of.map(({ scope }) => scope.namespaceUid),
    of.map(({ scope }) => scope.space),
    of.map(({ key }) => bytes(key)),
  ];
  const gone = changes.filter(({ value }) => value === undefined);
  if (gone.length > 0) {
    await client.query(
      `DELETE FROM moonhook_key_values k USING unnest($1::text[], $2::text[], $3::bytea[]) AS u (scope, space, key)
       WHERE k.scope = u.scope AND k.space = u.space AND k.key = u.key`,
      columns(gone),
    );
  }
  const set = changes.filter(({ value }) => value !== undefined);
  if (set.length === 0) return;
  await client.query(
    `INSERT INTO moonhook_key_values (scope, space, key, value, version, expires)
     SELECT scope, space, key, value, nextval('moonhook_versions'), moonhook_now() + ttl
     FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[]) AS u (scope, space, key, value, ttl)
     ON CONFLICT (scope, space, key) DO UPDATE SET value = excluded.value, version = excluded.version,
       expires = excluded.expires, owner = NULL`,
    [...columns(set), set.map(({ value }) => Buffer.from(value ?? [])), set.map(({ ttlMs }) => ttlMs ?? null)],
  );
}

export async function claimKey(
  client: ClientBase | Pool,
  { scope, key, value, ttlMs, owner }: Claim,
): Promise<boolean> {
  // Under the lock of the key: a settle that relies on its absence has it until its own commit.
  const { rowCount } = await client.query(
    `WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended($7, 0)))
     INSERT INTO moonhook_key_values AS known (scope, space, key, value, version, expires, owner)
     SELECT $1, $2, $3, $4, nextval('moonhook_versions'), moonhook_now() + $5::bigint, $6::bigint FROM locked
     ON CONFLICT (scope, space, key) DO UPDATE SET value = excluded.value, version = excluded.version,
       expires = excluded.expires, owner = excluded.owner
     WHERE known.owner = excluded.owner OR known.expires <= moonhook_now()`,
    [
      scope.namespaceUid,
      scope.space,
      bytes(key),
      Buffer.from(value),
      ttlMs ?? null,
      owner ?? null,
      keyName(scope, key),
    ],
  );
  return rowCount === 1;
}

export async function listKeys(
  client: Pool,
  { namespaceUid, space }: KeyValueScope,
  prefix: string,
  limit: number,
  after = '',
): Promise<string[]> {
  const { rows } = await client.query<{ key: Buffer }>(
    `SELECT key FROM moonhook_key_values WHERE scope = $1 AND space = $2 AND key > $3 AND key >= $4
       AND substring(key FROM 1 FOR length($4)) = $4 AND ${live} ORDER BY key LIMIT $5`,
    [namespaceUid, space, bytes(after), bytes(prefix), limit],
  );
  return rows.map(({ key }) => key.toString('utf8'));
}
