/** Hints from other processes that something may have become due, over LISTEN and NOTIFY. */
import { Client } from 'pg';

export const channel = 'moonhook_wake';

/** A connection of its own for hints; without it everything still runs, a second later. */
export function listen(url: string, wake: () => void, onError: (error: Error) => void): () => Promise<void> {
  let stopped = false;
  let client: Client | undefined;
  let retry: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const next = new Client({ connectionString: url });
    next.on('error', (error) => onError(error));
    next.on('end', () => {
      if (!stopped) retry = setTimeout(() => void connect().catch(onError), 1000);
    });
    next.on('notification', wake);
    client = next;
    await next.connect();
    await next.query(`LISTEN ${channel}`);
  }

  void connect().catch(onError);
  return async () => {
    stopped = true;
    clearTimeout(retry);
    await client?.end().catch(onError);
  };
}
