import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { defaultDisk } from './disk-guard.ts';
import { defaultRetention } from './retention.ts';
import { openDatabase } from './sqlite-schema.ts';
import { openSqliteStore } from './sqlite-store.ts';

/** Tables that grow with traffic. */
const large = ['deliveries', 'events', 'key_values', 'duplicates', 'duplicate_keys'];

/** What an open store has prepared. */
function preparedStatements(): readonly string[] {
  const { prepare } = DatabaseSync.prototype;
  const texts: string[] = [];
  DatabaseSync.prototype.prepare = function (...arguments_) {
    texts.push(arguments_[0]);
    return prepare.apply(this, arguments_);
  };
  try {
    const source = { wall: () => 0, monotonic: () => 0 };
    openSqliteStore({ path: ':memory:', retention: defaultRetention, disk: defaultDisk }, source).close();
  } finally {
    DatabaseSync.prototype.prepare = prepare;
  }
  return texts;
}

/** The tables that a statement reads from end to end, by no index. */
function scannedTables(database: DatabaseSync, statement: string): readonly string[] {
  const steps = database.prepare(`EXPLAIN QUERY PLAN ${statement}`).all() as unknown as { readonly detail: string }[];
  return large.filter((table) => steps.some(({ detail }) => detail === `SCAN ${table}`));
}

test('no statement of an open store reads a table that grows with traffic from end to end', () => {
  const database = openDatabase(':memory:');
  try {
    const statements = preparedStatements();
    assert.ok(statements.some((text) => text.startsWith('INSERT INTO deliveries')));
    const scanning = statements.filter((text) => scannedTables(database, text).length > 0);
    assert.deepEqual(scanning, []);
    // Control: this names two of the three states of the index, from which SQLite does not conclude that it may use it.
    const careless =
      "SELECT seq FROM deliveries WHERE destination = 1 AND order_key = 'a' AND state IN ('waiting', 'held')";
    assert.deepEqual(scannedTables(database, careless), ['deliveries']);
  } finally {
    database.close();
  }
});

/** SQLite looks into a parameter that stands alone there while it plans: each value that is bound later makes a new plan, 4 µs more. */
const limitAlone = /\bLIMIT\s+\?\w*(?!\w|\s*\+)/;

test('no statement of an open store is planned anew for each limit', () => {
  assert.deepEqual(
    preparedStatements().filter((text) => limitAlone.test(text)),
    [],
  );
  for (const text of ['LIMIT ?', 'LIMIT ?2)']) assert.match(text, limitAlone);
  assert.doesNotMatch('LIMIT ?2 + 0', limitAlone);
});
