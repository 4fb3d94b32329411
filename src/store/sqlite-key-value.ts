/** Key-value rows in SQLite: versions, expiry, expectations. Every function runs inside the caller's transaction. */
import { addInteger } from './add-integer.ts';
import type { DatabaseSync } from 'node:sqlite';
import type { StoreClock } from './store-clock.ts';
import type { Claim, KeyValueExpectation, KeyValueWrite, Versioned, Written } from './store.ts';
import type { KeyValueScope } from './types.ts';

export interface KeyValueRows {
  get(scope: KeyValueScope, key: string): Versioned | undefined;
  /** Changes nothing unless it answers `ok`. */
  write(writes: readonly KeyValueWrite[], expectations: readonly KeyValueExpectation[]): Written;
  list(scope: KeyValueScope, prefix: string, limit: number, after?: string): string[];
  claim(claim: Claim): boolean;
  /** The delivery that claimed keys has ended: they stay as ordinary keys, or go. */
  settleClaims(owner: number, keep: boolean): void;
  /** Deletes at most `limit` expired rows. */
  purge(limit: number): number;
}

interface Row {
  readonly value: Uint8Array;
  readonly version: number;
}

const encoder = new TextEncoder();

export function createKeyValueRows(database: DatabaseSync, clock: StoreClock): KeyValueRows {
  const select = database.prepare(
    'SELECT value, version FROM key_values WHERE scope = ? AND space = ? AND key = ? AND (expires IS NULL OR expires > ?)',
  );
  const upsert = database.prepare(
    `INSERT INTO key_values (scope, space, key, value, version, expires) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (scope, space, key) DO UPDATE SET value = excluded.value, version = excluded.version, expires = excluded.expires, owner = NULL`,
  );
  const remove = database.prepare('DELETE FROM key_values WHERE scope = ? AND space = ? AND key = ?');
  const page = database.prepare(
    `SELECT key FROM key_values WHERE scope = ? AND space = ? AND key > ? AND key >= ? AND key < ?
     AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ?`,
  );
  const purge = database.prepare(
    'DELETE FROM key_values WHERE (scope, space, key) IN (SELECT scope, space, key FROM key_values WHERE expires IS NOT NULL AND expires <= ? LIMIT ?)',
  );
  const claimed = database.prepare(
    `INSERT INTO key_values (scope, space, key, value, version, expires, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
     ON CONFLICT (scope, space, key) DO UPDATE SET value = excluded.value, version = excluded.version, expires = excluded.expires,
       owner = excluded.owner WHERE key_values.owner = excluded.owner OR key_values.expires <= ?8 RETURNING version`,
  );
  const releaseClaims = database.prepare('DELETE FROM key_values WHERE owner = ?');
  const keepClaims = database.prepare('UPDATE key_values SET owner = NULL WHERE owner = ?');
  const nextVersion = database.prepare("UPDATE counters SET value = value + 1 WHERE name = 'version' RETURNING value");

  function get({ namespaceUid, space }: KeyValueScope, key: string): Versioned | undefined {
    const row = select.get(namespaceUid, space, key, clock.now()) as Row | undefined;
    return row === undefined ? undefined : { value: row.value, version: row.version };
  }

  function expiry(ttlMs: number | undefined): number | null {
    return ttlMs === undefined ? null : clock.now() + ttlMs;
  }

  function apply({ scope, key, change }: KeyValueWrite): number | undefined | 'notInteger' {
    if (change.kind === 'delete') {
      remove.run(scope.namespaceUid, scope.space, key);
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
    const { value: version } = nextVersion.get() as { value: number };
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
      const { value: version } = nextVersion.get() as { value: number };
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
      return row !== undefined;
    },
    settleClaims: (owner, keep) => void (keep ? keepClaims : releaseClaims).run(owner),
    purge: (limit) => Number(purge.run(clock.now(), limit).changes),
  };
}
