/** PostgreSQL as the store of a process: one pool, its threads ask over ports. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { errorMessage } from '../failures/error-message.ts';
import type { OpenStore } from './open-store.ts';
import { openPostgresStore, type PostgresSettings } from './postgres-store.ts';
import { inPlainWords } from './postgres-timeouts.ts';
import { serveStore } from './serve-store.ts';
import { StoreRefused } from './store-refused.ts';

/** Rejects with `StoreRefused` where the database cannot be trusted or reached; the message holds no password. */
export async function openPostgres(settings: PostgresSettings): Promise<OpenStore> {
  const store = await openPostgresStore(settings).catch((error: Error) => {
    if (error instanceof StoreRefused) throw error;
    throw new StoreRefused(`PostgreSQL at ${describeDatabase(settings.url)}: ${errorMessage(inPlainWords(error))}`, {
      cause: error,
    });
  });
  const ports = new Set<MessagePort>();
  return {
    durable: true,
    // Closing a connection must not close what the others use.
    connect: () => ({ ...store, close: async () => undefined }),
    records: (bounds) => store.records(bounds),
    port() {
      const { port1, port2 } = new MessageChannel();
      ports.add(port1);
      port1.on('close', () => ports.delete(port1));
      serveStore(store, port1);
      return port2;
    },
    async close() {
      for (const port of ports) port.close();
      await store.close();
    },
  };
}

/** Host, port and database of a URL: what may be shown. */
export function describeDatabase(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? 'an address that cannot be read' : `${parsed.host}${parsed.pathname}`;
}
