/** Hints between processes that something may have become due: LISTEN and NOTIFY on a connection of their own. */
import { Client } from 'pg';
import { limitSilence } from './postgres-schema.ts';
import type { PostgresSockets } from './postgres-sockets.ts';
import { answerMs, connectMs } from './postgres-timeouts.ts';

const channel = 'moonhook_wake';
/** NOTIFY takes a lock of the whole server at commit: at most 20 a second. */
const quietMs = 50;
/** A connection that only listens notices by itself neither that the server is gone nor that a firewall has forgotten it. */
const usualAskMs = 30_000;

export interface Hints {
  /** Tells the others, soon. */
  send(): void;
  close(): Promise<void>;
}

export interface HintSettings {
  readonly url: string;
  readonly processId: string;
  readonly sockets: PostgresSockets;
  /** Another process has told. */
  wake(): void;
  onError(error: Error): void;
  readonly askMs?: number;
}

/** Without the connection everything still runs, a second later. */
export function openHints(settings: HintSettings): Hints {
  const { url, processId, sockets, wake, onError, askMs = usualAskMs } = settings;
  let stopped = false;
  let ready: Client | undefined;
  let client: Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let sending: NodeJS.Timeout | undefined;
  let asking: NodeJS.Timeout | undefined;
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
      stream: () => sockets.open(),
      application_name: 'moonhook hints',
    });
    next.on('error', report);
    next.on('end', () => {
      ready = undefined;
      clearTimeout(asking);
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
    asking = setTimeout(() => void ask(next), askMs);
  }

  /** It listens no more than it answers: its end is the sign to connect anew. */
  async function answered(asked: Client, statement: Promise<unknown>): Promise<boolean> {
    try {
      await statement;
      return true;
    } catch (error) {
      report(error as Error);
      await asked.end().catch(report);
      return false;
    }
  }

  async function ask(asked: Client): Promise<void> {
    if (!(await answered(asked, asked.query('SELECT 1'))) || ready !== asked || stopped) return;
    asking = setTimeout(() => void ask(asked), askMs);
  }

  /** One at a time: what is to be told meanwhile is told afterwards. */
  async function notify(): Promise<void> {
    again = false;
    const told = ready;
    if (told !== undefined) await answered(told, told.query('SELECT pg_notify($1, $2)', [channel, processId]));
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
      clearTimeout(asking);
      await connecting;
      await client?.end().catch(report);
    },
  };
}
