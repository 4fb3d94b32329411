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
      if (!stopped) retry = setTimeout(reconnect, 1000);
    });
    next.on('notification', wake);
    client = next;
    await next.connect();
    if (stopped) return await next.end();
    await next.query(`LISTEN ${channel}`);
  }

  function reconnect(): void {
    connecting = connect().catch(onError);
  }

  let connecting = connect().catch(onError);
  return async () => {
    stopped = true;
    clearTimeout(retry);
    await connecting;
    await client?.end().catch(onError);
  };
}
