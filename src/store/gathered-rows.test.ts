import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test, type TestContext } from 'node:test';
import { createGatheredRows } from './gathered-rows.ts';
import { createJournal } from './sqlite-journal.ts';

function open(t: TestContext) {
  const database = new DatabaseSync(':memory:');
  t.after(() => database.close());
  database.exec('CREATE TABLE kept (name TEXT PRIMARY KEY, place INTEGER NOT NULL UNIQUE)');
  const journal = createJournal();
  const rows = createGatheredRows(database, journal, 'kept (name, place)', 'name');
  const kept = () =>
    database
      .prepare('SELECT name, place FROM kept ORDER BY place')
      .all()
      .map((row) => `${String(row['name'])}${String(row['place'])}`);
  return { rows, journal, kept };
}

describe('gathered rows', () => {
  for (const count of [1, 2, 31, 32, 33, 95]) {
    test(`are in the table when they are written, ${count} of them each once and in order`, (t) => {
      const { rows, kept } = open(t);
      for (let place = 0; place < count; place += 1) rows.gather(['r' + place, place]);
      assert.deepEqual(kept(), []);
      rows.write();
      rows.write();
      assert.deepEqual(
        kept(),
        Array.from({ length: count }, (_, place) => `r${place}${place}`),
      );
    });
  }

  test('of which one is there already are refused, and one alone says so', (t) => {
    const { rows } = open(t);
    assert.equal(rows.insert(['a', 1]), true);
    assert.equal(rows.insert(['a', 2]), false);
    rows.gather(['b', 3]);
    rows.gather(['a', 4]);
    assert.throws(() => rows.write(), /there already/);
  });

  test('whose number another row has are not taken for ones that are there', (t) => {
    const { rows } = open(t);
    rows.insert(['a', 1]);
    assert.throws(() => rows.insert(['b', 1]), /UNIQUE constraint failed: kept.place/);
    rows.gather(['c', 1]);
    assert.throws(() => rows.write(), /UNIQUE constraint failed: kept.place/);
  });

  test('that a rollback takes back are not written, those before it are', (t) => {
    const { rows, journal, kept } = open(t);
    rows.gather(['a', 1]);
    rows.write();
    const mark = journal.mark();
    rows.gather(['b', 2]);
    rows.gather(['c', 3]);
    journal.rollback(mark);
    rows.gather(['d', 4]);
    rows.write();
    assert.deepEqual(kept(), ['a1', 'd4']);
  });
});
