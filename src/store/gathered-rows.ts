/**
 * Rows of one table that stand in memory until they are written, many with one statement: by itself, the statement around a
 * row costs as much as the row. Whoever gathers must write before anything reads the table.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Journal } from './sqlite-journal.ts';

export interface GatheredRows {
  /** At once; false: the row is there already. */
  insert(row: readonly SQLInputValue[]): boolean;
  gather(row: readonly SQLInputValue[]): void;
  /** What was gathered. Throws where a row is there already. */
  write(): void;
}

/** Of one statement, at most; the rest goes in halves of it. */
const mostRows = 32;

/**
 * `into`: `TABLE (COLUMN, …)`; `unique`: the columns by which a row is there already. One whose number is another row's is a
 * defect, and throws. A rollback takes what was gathered since.
 */
export function createGatheredRows(
  database: DatabaseSync,
  journal: Journal,
  into: string,
  unique: string,
): GatheredRows {
  /** By their number of rows. */
  const statements = new Map<number, StatementSync>();
  const width = into.split(',').length;
  const row = `(${Array.from({ length: width }, () => '?').join(', ')})`;
  let values: SQLInputValue[] = [];

  function statementOf(rows: number): StatementSync {
    let statement = statements.get(rows);
    if (statement === undefined) {
      const all = Array.from({ length: rows }, () => row).join(', ');
      statement = database.prepare(`INSERT INTO ${into} VALUES ${all} ON CONFLICT (${unique}) DO NOTHING`);
      statements.set(rows, statement);
    }
    return statement;
  }
  const one = statementOf(1);

  return {
    insert: (given) => one.run(...given).changes === 1,
    gather(given) {
      if (values.length === 0) journal.push(() => (values = []));
      for (const value of given) values.push(value);
    },
    write() {
      if (values.length === 0) return;
      const all = values;
      values = [];
      let rows = mostRows;
      for (let from = 0; from < all.length;) {
        while (rows * width > all.length - from) rows /= 2;
        const until = from + rows * width;
        const { changes } = statementOf(rows).run(...all.slice(from, until));
        if (changes !== rows) throw new Error(`a row of ${into} that was gathered is there already`);
        from = until;
      }
    },
  };
}
