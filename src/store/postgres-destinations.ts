/** Names of destinations as small numbers in PostgreSQL, remembered: a name is never given another number. */
import type { Pool } from 'pg';
import type { Sessions } from './postgres-session.ts';

export interface PostgresDestinations {
  /** Numbers of names, made where they are new; outside of any transaction, so that no rollback takes one back. */
  idsOf(names: Iterable<string>): Promise<ReadonlyMap<string, number>>;
  /** Numbers of those names that are known to the database. */
  find(names: Iterable<string>): Promise<ReadonlyMap<string, number>>;
  namesOf(ids: Iterable<number>): Promise<ReadonlyMap<number, string>>;
}

const most = 200_000;

interface Row {
  readonly id: string;
  readonly name: string;
}

export function createPostgresDestinations(pool: Pool, sessions: Sessions): PostgresDestinations {
  const ids = new Map<string, number>();
  const names = new Map<number, string>();

  function remember(rows: readonly Row[]): void {
    if (ids.size + rows.length > most) {
      ids.clear();
      names.clear();
    }
    for (const { id, name } of rows) {
      ids.set(name, Number(id));
      names.set(Number(id), name);
    }
  }

  async function find(wanted: Iterable<string>): Promise<Map<string, number>> {
    const unique = [...new Set(wanted)];
    const unknown = unique.filter((name) => !ids.has(name));
    const found = new Map<string, number>();
    for (const name of unique) {
      const id = ids.get(name);
      if (id !== undefined) found.set(name, id);
    }
    if (unknown.length === 0) return found;
    const { rows } = await pool.query<Row>('SELECT id, name FROM moonhook_destinations WHERE name = ANY ($1::text[])', [
      unknown,
    ]);
    remember(rows);
    for (const { id, name } of rows) found.set(name, Number(id));
    return found;
  }

  return {
    find,
    async idsOf(wanted) {
      const all = [...new Set(wanted)];
      const found = await find(all);
      const unknown = all.filter((name) => !found.has(name));
      if (unknown.length === 0) return found;
      await sessions.once(({ client }) =>
        client.query(
          'INSERT INTO moonhook_destinations (name) SELECT n FROM unnest($1::text[]) n ORDER BY n ON CONFLICT (name) DO NOTHING',
          [unknown],
        ),
      );
      for (const [name, id] of await find(unknown)) found.set(name, id);
      return found;
    },
    async namesOf(wanted) {
      const all = [...new Set(wanted)];
      const unknown = all.filter((id) => !names.has(id));
      const found = new Map<number, string>();
      for (const id of all) {
        const name = names.get(id);
        if (name !== undefined) found.set(id, name);
      }
      if (unknown.length === 0) return found;
      const { rows } = await pool.query<Row>(
        'SELECT id, name FROM moonhook_destinations WHERE id = ANY ($1::bigint[])',
        [unknown],
      );
      remember(rows);
      for (const { id, name } of rows) found.set(Number(id), name);
      return found;
    },
  };
}
