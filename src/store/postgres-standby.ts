/**
 * Whether commits wait in vain for a synchronous standby. A COMMIT whose answer nobody waits for any more keeps its connection
 * on the server until the standby is back. It is not cancelled: what it wrote would be there for everybody, and count as kept,
 * without being replicated. So nothing more is committed meanwhile, or such connections would use up all that the server has.
 */
import type { ClientBase } from 'pg';

export interface StandbyWatch {
  /** Throws `StandbyMissing` where a commit would wait behind others that have waited too long. Asks over this connection. */
  admit(client: Pick<ClientBase, 'query'>): Promise<void>;
  /** Answers it instead, and asks in any case. */
  look(client: Pick<ClientBase, 'query'>): Promise<StandbyMissing | undefined>;
  /** A connection was lost, or did not answer: whoever commits next asks. */
  suspect(): void;
}

export class StandbyMissing extends Error {
  constructor(waiting: number, seconds: number) {
    super(
      `PostgreSQL waits for a synchronous standby with ${waiting} commits, the first for ${seconds} s: nothing more is written until it is back, or synchronous_standby_names names another; do not cancel them, what they wrote would count as replicated`,
    );
  }
}

/**
 * Commits are confirmed in the order of the log: behind one that has waited so long every other would wait, too. Half of what
 * this process waits for an answer, so that those it has just given up count.
 */
const longMs = 5_000;
const freshMs = 1_000;

/** `now`: milliseconds, monotonic. */
export function createStandbyWatch(now: () => number): StandbyWatch {
  // It may be why the process before has ended.
  let suspected = true;
  let found: { readonly missing: StandbyMissing; readonly at: number } | undefined;
  let looking: Promise<StandbyMissing | undefined> | undefined;

  /** Of the same name and user only: others may ask more of standbys than a store does. */
  async function ask(client: Pick<ClientBase, 'query'>): Promise<StandbyMissing | undefined> {
    const { rows } = await client.query<{ waiting: number; seconds: number }>(
      `SELECT count(*)::int AS waiting, extract(epoch FROM max(clock_timestamp() - state_change))::int AS seconds
       FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = current_setting('application_name')
         AND usename = current_user AND state_change < clock_timestamp() - make_interval(secs => $1)`,
      [longMs / 1000],
    );
    const [row] = rows;
    return row === undefined || row.waiting === 0 ? undefined : new StandbyMissing(row.waiting, row.seconds);
  }

  async function look(client: Pick<ClientBase, 'query'>): Promise<StandbyMissing | undefined> {
    suspected = false;
    try {
      const missing = await ask(client);
      found = missing && { missing, at: now() };
      if (missing !== undefined) suspected = true;
      return missing;
    } catch (error) {
      suspected = true;
      throw error;
    }
  }

  return {
    async admit(client) {
      if (!suspected && looking === undefined) return;
      if (found === undefined || now() - found.at > freshMs) {
        await (looking ??= look(client).finally(() => (looking = undefined)));
      }
      if (found !== undefined) throw found.missing;
    },
    look,
    suspect: () => void (suspected = true),
  };
}
