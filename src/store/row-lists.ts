/**
 * Rows of SQLite as lists of their columns, for statements that run for each event. Of a row as an object, which has no prototype, V8
 * makes a hidden class of its own among old objects: those alone had the whole heap of the store's thread collected again and again.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

export interface RowLists<Columns extends readonly unknown[]> {
  get(...values: readonly SQLInputValue[]): Columns | undefined;
  all(...values: readonly SQLInputValue[]): readonly Columns[];
}

/** `Columns`: their types in the order of the statement. */
export function prepareLists<Columns extends readonly unknown[]>(
  database: DatabaseSync,
  sql: string,
): RowLists<Columns> {
  const statement: StatementSync = database.prepare(sql);
  statement.setReturnArrays(true);
  // The types of Node know rows as objects only.
  return statement as unknown as RowLists<Columns>;
}
