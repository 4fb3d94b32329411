/** Hints between processes that something may have become due: LISTEN and NOTIFY on a connection of their own. */
import { Client } from 'pg';
import { limitSilence } from './postgres-schema.ts';
import { answerMs, connectMs } from './postgres-timeouts.ts';

const channel = 'moonhook_wake';
/** NOTIFY takes a lock of the whole server at commit: at most 20 a second. */
const quietMs = 50;

export interface Hints {
  /** Tells the others, soon. */
  send(): void;
  close(): Promise<void>;
}

/** `wake`: another process has told. Without the connection everything still runs, a second later. */
export function openHints(url: string, processId: string, wake: () => void, onError: (error: Error) => void): Hints {
  let stopped = false;
  let ready: Client | undefined;
  let client: Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let sending: NodeJS.Timeout | undefined;
  let again = false;

  /** What breaks because it is being closed is nobody's news. */
  function report(error: Error): void {
    if (!stopped) onError(error);
  }

  async function connect(): Promise<void> {
    const next = new Client({
      connectionString: url,
      connectionTimeoutMillis: connectMs,
      query_timeout: answerMs,
      application_name: 'moonhook hints',
    });
    next.on('error', report);
    next.on('end', () => {
      ready = undefined;
      if (!stopped) retry = setTimeout(reconnect, 1000);
    });
    next.on('notification', ({ payload }) => {
      if (payload !== processId) wake();
    });
    client = next;
    try {
      await next.connect();
      if (stopped) return await next.end();
      await limitSilence(next);
      await next.query(`LISTEN ${channel}`);
    } catch (error) {
      // Its end is the sign to try again.
      await next.end().catch(report);
      throw error;
    }
    ready = next;
    // What was told while nobody listened is not told again.
    wake();
  }

  /** One at a time: what is to be told meanwhile is told afterwards. */
  async function notify(): Promise<void> {
    again = false;
    const told = ready;
    await told?.query('SELECT pg_notify($1, $2)', [channel, processId]).catch(async (error: Error) => {
      report(error);
      // It listens no more than it tells: its end is the sign to connect anew.
      await told.end().catch(report);
    });
    sending = again && !stopped ? setTimeout(() => void notify(), quietMs) : undefined;
  }

  function reconnect(): void {
    connecting = connect().catch(report);
  }

  let connecting = connect().catch(report);
  return {
    send() {
      if (sending !== undefined) again = true;
      else sending = setTimeout(() => void notify(), quietMs);
    },
    async close() {
      stopped = true;
      clearTimeout(retry);
      clearTimeout(sending);
      await connecting;
      await client?.end().catch(report);
    },
  };
}
