/** Key-value rows in SQLite: versions, expiry, expectations. Every function runs inside the caller's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import { addInteger } from './add-integer.ts';
import { keyValueBytes, keyValueRow } from './row-bytes.ts';
import { prepareLists } from './row-lists.ts';
import type { UsageBook } from './sqlite-usage.ts';
import type { StoreClock } from './store-clock.ts';
import type { Claim, KeyValueExpectation, KeyValueWrite, Written } from './store.ts';
import type { KeyValueScope, Versioned } from './types.ts';

export interface KeyValueRows {
  get(scope: KeyValueScope, key: string): Versioned | undefined;
  /** Changes nothing unless it answers `ok`. */
  write(writes: readonly KeyValueWrite[], expectations: readonly KeyValueExpectation[]): Written;
  list(scope: KeyValueScope, prefix: string, limit: number, after?: string): string[];
  claim(claim: Claim): boolean;
  /** The delivery that claimed keys has ended: they stay as ordinary keys, or go. */
  settleClaims(owner: number, keep: boolean): void;
  /** Deletes at most `limit` expired rows; answers how many. */
  purge(limit: number): number;
  /** Deletes at most `limit` rows of a namespace; answers how many. */
  forget(namespaceUid: string, limit: number): number;
}

type Row = readonly [value: Uint8Array, version: number, expires: number | null];

const encoder = new TextEncoder();

export function createKeyValueRows(database: DatabaseSync, clock: StoreClock, usage: UsageBook): KeyValueRows {
  const size = `octet_length(space) + octet_length(key) + octet_length(value) + ${keyValueRow}`;
  const sizeOf = prepareLists<[bytes: number]>(
    database,
    `SELECT ${size} AS bytes FROM key_values WHERE scope = ? AND space = ? AND key = ?`,
  );
  const select = prepareLists<Row>(
    database,
    'SELECT value, version, expires FROM key_values WHERE scope = ? AND space = ? AND key = ? AND (expires IS NULL OR expires > ?)',
  );
  const upsert = database.prepare(
    `INSERT INTO key_values (scope, space, key, value, version, expires) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (scope, space, key) DO UPDATE SET value = excluded.value, version = excluded.version, expires = excluded.expires, owner = NULL`,
  );
  const remove = database.prepare(
    `DELETE FROM key_values WHERE scope = ? AND space = ? AND key = ? RETURNING ${size} AS bytes`,
  );
  const page = database.prepare(
    `SELECT key FROM key_values WHERE scope = ? AND space = ? AND key > ? AND key >= ? AND key < ?
     AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ? + 0`,
  );
  const purge = database.prepare(
    `DELETE FROM key_values WHERE (scope, space, key) IN (SELECT scope, space, key FROM key_values WHERE expires IS NOT NULL AND expires <= ? LIMIT ? + 0)
     RETURNING scope, ${size} AS bytes`,
  );
  const claimed = database.prepare(
    `INSERT INTO key_values (scope, space, key, value, version, expires, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
     ON CONFLICT (scope, space, key) DO UPDATE SET value = excluded.value, version = excluded.version, expires = excluded.expires,
       owner = excluded.owner WHERE key_values.owner = excluded.owner OR key_values.expires <= ?8 RETURNING version`,
  );
  const forget = database.prepare(
    `DELETE FROM key_values WHERE (scope, space, key) IN (SELECT scope, space, key FROM key_values WHERE scope = ? LIMIT ? + 0)
     RETURNING scope, ${size} AS bytes`,
  );
  const releaseClaims = database.prepare(`DELETE FROM key_values WHERE owner = ? RETURNING scope, ${size} AS bytes`);
  const keepClaims = database.prepare('UPDATE key_values SET owner = NULL WHERE owner = ?');
  const nextVersion = prepareLists<[version: number]>(
    database,
    "UPDATE counters SET value = value + 1 WHERE name = 'version' RETURNING value",
  );

  function get({ namespaceUid, space }: KeyValueScope, key: string): Versioned | undefined {
    const row = select.get(namespaceUid, space, key, clock.now());
    if (row === undefined) return undefined;
    const [value, version, expires] = row;
    return { value, version, ...(expires === null ? {} : { expires }) };
  }

  function expiry(ttlMs: number | undefined): number | null {
    return ttlMs === undefined ? null : clock.now() + ttlMs;
  }

  function charge({ namespaceUid, space }: KeyValueScope, key: string, value: Uint8Array, owed = false): void {
    const [before = 0] = sizeOf.get(namespaceUid, space, key) ?? [];
    const change = keyValueBytes(space, key, value) - before;
    usage.change(usage.idOf(namespaceUid), 'keyValueBytes', change, owed);
  }

  /** Rows a statement has deleted. */
  function discharge(rows: unknown): number {
    const deleted = rows as { scope: string; bytes: number }[];
    for (const { scope, bytes } of deleted) usage.change(usage.idOf(scope), 'keyValueBytes', -bytes);
    return deleted.length;
  }

  function apply({ scope, key, change, owed }: KeyValueWrite): number | undefined | 'notInteger' {
    if (change.kind === 'delete') {
      const row = remove.get(scope.namespaceUid, scope.space, key) as { bytes: number } | undefined;
      if (row !== undefined) usage.change(usage.idOf(scope.namespaceUid), 'keyValueBytes', -row.bytes);
      return undefined;
    }
    let value: Uint8Array;
    let number: number | undefined;
    if (change.kind === 'set') value = change.value;
    else {
      number = addInteger(get(scope, key)?.value, change.delta);
      if (number === undefined) return 'notInteger';
      value = encoder.encode(String(number));
    }
    const [version] = nextVersion.get() as [number];
    charge(scope, key, value, owed);
    upsert.run(scope.namespaceUid, scope.space, key, value, version, expiry(change.ttlMs));
    return number;
  }

  return {
    get,
    write(writes, expectations) {
      if (expectations.some(({ scope, key, version }) => (get(scope, key)?.version ?? 0) !== version))
        return { kind: 'conflict' };
      const unfit = writes.find(
        ({ scope, key, change }) =>
          change.kind === 'increment' && addInteger(get(scope, key)?.value, change.delta) === undefined,
      );
      if (unfit !== undefined) return { kind: 'notInteger', key: unfit.key };
      const numbers: (number | undefined)[] = [];
      for (const write of writes) {
        const number = apply(write);
        // Only a set earlier in the same batch can make a value unfit after the check above.
        if (number === 'notInteger') throw new Error(`key ${JSON.stringify(write.key)} does not hold an integer`);
        numbers.push(number);
      }
      return { kind: 'ok', numbers };
    },
    list({ namespaceUid, space }, prefix, limit, after = '') {
      // U+10FFFF sorts after every character that can follow the prefix.
      const rows = page.all(namespaceUid, space, after, prefix, `${prefix}\u{10FFFF}`, clock.now(), limit) as {
        key: string;
      }[];
      return rows.map(({ key }) => key);
    },
    claim({ scope, key, value, ttlMs, owner }) {
      const [version] = nextVersion.get() as [number];
      const [before = 0] = sizeOf.get(scope.namespaceUid, scope.space, key) ?? [];
      const row = claimed.get(
        scope.namespaceUid,
        scope.space,
        key,
        value,
        version,
        expiry(ttlMs),
        owner ?? null,
        clock.now(),
      );
      if (row === undefined) return false;
      const change = keyValueBytes(scope.space, key, value) - before;
      usage.change(usage.idOf(scope.namespaceUid), 'keyValueBytes', change);
      return true;
    },
    settleClaims(owner, keep) {
      if (keep) keepClaims.run(owner);
      else discharge(releaseClaims.all(owner));
    },
    purge: (limit) => discharge(purge.all(clock.now(), limit)),
    forget: (namespaceUid, limit) => discharge(forget.all(namespaceUid, limit)),
  };
}
