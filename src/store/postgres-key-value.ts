/** Key-value rows in PostgreSQL. Writes run inside the caller's transaction; rows are locked in one order. */
import { addInteger } from './add-integer.ts';
import type { ClientBase, Pool } from 'pg';
import type { Claim, KeyValueExpectation, KeyValueWrite, Versioned, Written } from './store.ts';
import type { KeyValueScope } from './types.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const live = '(expires IS NULL OR expires > moonhook_now())';

export async function getKeyValue(
  client: ClientBase | Pool,
  { namespaceUid, space }: KeyValueScope,
  key: string,
): Promise<Versioned | undefined> {
  const { rows } = await client.query<{ value: Buffer; version: string }>(
    `SELECT value, version FROM moonhook_key_values WHERE scope = $1 AND space = $2 AND key = $3 AND ${live}`,
    [namespaceUid, space, bytes(key)],
  );
  const [row] = rows;
  return row === undefined ? undefined : { value: new Uint8Array(row.value), version: Number(row.version) };
}

/** Changes nothing unless it answers `ok`; the caller rolls back otherwise. */
export async function writeKeyValues(
  client: ClientBase,
  writes: readonly KeyValueWrite[],
  expectations: readonly KeyValueExpectation[],
): Promise<Written> {
  for (const { scope, key } of inOrder([...writes, ...expectations])) await lockKey(client, scope, key);
  for (const { scope, key, version } of expectations) {
    if (((await getKeyValue(client, scope, key))?.version ?? 0) !== version) return { kind: 'conflict' };
  }
  const numbers: (number | undefined)[] = [];
  for (const { scope, key, change } of writes) {
    if (change.kind === 'delete') {
      await client.query('DELETE FROM moonhook_key_values WHERE scope = $1 AND space = $2 AND key = $3', [
        scope.namespaceUid,
        scope.space,
        bytes(key),
      ]);
      numbers.push(undefined);
      continue;
    }
    let value: Uint8Array;
    let number: number | undefined;
    if (change.kind === 'set') value = change.value;
    else {
      number = addInteger((await getKeyValue(client, scope, key))?.value, change.delta);
      if (number === undefined) return { kind: 'notInteger', key };
      value = bytes(String(number));
    }
    await client.query(
      `INSERT INTO moonhook_key_values (scope, space, key, value, version, expires)
       VALUES ($1, $2, $3, $4, nextval('moonhook_versions'), moonhook_now() + $5::bigint)
       ON CONFLICT (scope, space, key) DO UPDATE SET value = excluded.value, version = excluded.version,
         expires = excluded.expires, owner = NULL`,
      [scope.namespaceUid, scope.space, bytes(key), Buffer.from(value), change.ttlMs ?? null],
    );
    numbers.push(number);
  }
  return { kind: 'ok', numbers };
}

export async function claimKey(
  client: ClientBase | Pool,
  { scope, key, value, ttlMs, owner }: Claim,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO moonhook_key_values AS known (scope, space, key, value, version, expires, owner)
     VALUES ($1, $2, $3, $4, nextval('moonhook_versions'), moonhook_now() + $5::bigint, $6)
     ON CONFLICT (scope, space, key) DO UPDATE SET value = excluded.value, version = excluded.version,
       expires = excluded.expires, owner = excluded.owner
     WHERE known.owner = excluded.owner OR known.expires <= moonhook_now()`,
    [scope.namespaceUid, scope.space, bytes(key), Buffer.from(value), ttlMs ?? null, owner ?? null],
  );
  return rowCount === 1;
}

export async function settleClaims(client: ClientBase, owner: number, keep: boolean): Promise<void> {
  await client.query(
    keep
      ? 'UPDATE moonhook_key_values SET owner = NULL WHERE owner = $1'
      : 'DELETE FROM moonhook_key_values WHERE owner = $1',
    [owner],
  );
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

/** A lock on the key itself: it holds for absent keys, too. */
async function lockKey(client: ClientBase, { namespaceUid, space }: KeyValueScope, key: string): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    JSON.stringify([namespaceUid, space, key]),
  ]);
}

function inOrder<Named extends { readonly scope: KeyValueScope; readonly key: string }>(
  items: readonly Named[],
): Named[] {
  const name = ({ scope, key }: Named): string => JSON.stringify([scope.namespaceUid, scope.space, key]);
  return items.toSorted((a, b) => (name(a) < name(b) ? -1 : 1));
}
