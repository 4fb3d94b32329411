/** Connections of one process to PostgreSQL: statements alone or in a transaction, each with the process's own counter row. */
import type { ClientBase, Pool, PoolClient } from 'pg';
import { StandbyMissing, type StandbyWatch } from './postgres-standby.ts';
import type { DeliveryState } from './store.ts';

export interface Session {
  readonly client: ClientBase;
  /** The row of `moonhook_counters` that only this connection writes: no two transactions wait for each other there. */
  readonly counter: string;
}

export interface Sessions {
  /** Statements of their own, each committed by itself. */
  once<Value>(work: (session: Session) => Promise<Value>): Promise<Value>;
  /** One transaction. */
  transaction<Value>(work: (session: Session) => Promise<Value>): Promise<Value>;
  /** One transaction whose commit waits for no disk: the last of them may be lost. */
  unsynced<Value>(work: (session: Session) => Promise<Value>): Promise<Value>;
}

/** Thrown inside a transaction to undo it and answer all the same. */
export class RollBack<Value> extends Error {
  readonly value: Value;
  constructor(value: Value) {
    super('rolled back');
    this.value = value;
  }
}

export function createSessions(pool: Pool, processId: string, standby: StandbyWatch): Sessions {
  const names = new WeakMap<object, string>();
  let numbered = 0;

  function nameOf(client: object): string {
    const known = names.get(client);
    if (known !== undefined) return known;
    const name = `${processId}/${numbered++}`;
    names.set(client, name);
    return name;
  }

  /** A connection whose commits would not wait in vain. */
  async function admitted(): Promise<PoolClient> {
    const client = await pool.connect();
    try {
      await standby.admit(client);
      return client;
    } catch (error) {
      client.release(error instanceof StandbyMissing ? undefined : lostConnection(error));
      throw error;
    }
  }

  function leave(client: PoolClient, broken: Error | undefined): void {
    if (broken !== undefined) standby.suspect();
    client.release(broken);
  }

  async function within<Value>(
    client: PoolClient,
    begin: string,
    work: (session: Session) => Promise<Value>,
  ): Promise<Value> {
    let broken: Error | undefined;
    try {
      await client.query(begin);
      const value = await work({ client, counter: nameOf(client) });
      await client.query('COMMIT');
      return value;
    } catch (error) {
      // A server that did not answer is not asked again: it undoes what was begun when the connection is gone.
      broken = error instanceof RollBack ? undefined : lostConnection(error);
      if (broken === undefined) await client.query('ROLLBACK').catch((failed: Error) => (broken = failed));
      if (error instanceof RollBack) return error.value as Value;
      throw error;
    } finally {
      leave(client, broken);
    }
  }

  return {
    async once(work) {
      const client = await admitted();
      let broken: Error | undefined;
      try {
        return await work({ client, counter: nameOf(client) });
      } catch (error) {
        broken = lostConnection(error);
        throw error;
      } finally {
        leave(client, broken);
      }
    },
    transaction: async (work) => await within(await admitted(), 'BEGIN', work),
    unsynced: async (work) => await within(await pool.connect(), 'BEGIN; SET LOCAL synchronous_commit = off', work),
  };
}

/** An error that did not come from the server leaves the connection in a state nobody knows. */
function lostConnection(error: unknown): Error | undefined {
  return error instanceof Error && !('severity' in error) ? error : undefined;
}

export type Counted = 'created' | Extract<DeliveryState, 'done' | 'dead' | 'filtered' | 'cancelled' | 'superseded'>;

const counted: readonly Counted[] = ['created', 'done', 'dead', 'filtered', 'cancelled', 'superseded'];

/** An INSERT for a WITH clause that adds to this connection's counters; `process` is its parameter. */
export function countSql(process: string, values: Partial<Record<Counted, string>>): string {
  const names = counted.filter((name) => values[name] !== undefined);
  return `INSERT INTO moonhook_counters AS c (process, ${counted.join(', ')}, touched)
    SELECT ${process}::text, ${counted.map((name) => values[name] ?? '0').join(', ')}, moonhook_now()
    ON CONFLICT (process) DO UPDATE SET touched = excluded.touched, ${names.map((name) => `${name} = c.${name} + excluded.${name}`).join(', ')}`;
}
