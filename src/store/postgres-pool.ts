/** The connections of one process to PostgreSQL: opened, checked, and the schema brought up to date. */
import { Pool, type PoolConfig } from 'pg';
import { assertSession, preparePostgres, sessionOptions } from './postgres-schema.ts';
import type { PostgresSockets } from './postgres-sockets.ts';
import { answerMs, connections, connectMs } from './postgres-timeouts.ts';

export async function openPool(url: string, sockets: PostgresSockets, onError: (error: Error) => void): Promise<Pool> {
  // A new version of the schema may take its time.
  await prepare(openConnections(url, onError, { max: 1 }));
  return openConnections(url, onError, { max: connections, query_timeout: answerMs, stream: () => sockets.open() });
}

function openConnections(
  url: string,
  onError: (error: Error) => void,
  own: Pick<PoolConfig, 'max' | 'query_timeout' | 'stream'>,
): Pool {
  const pool = new Pool({
    ...own,
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    options: sessionOptions,
    application_name: 'moonhook',
    // oxlint-disable-next-line promise/no-callback-in-promise -- pg's pool asks with a callback
    verify: (client, done) => void assertSession(client).then(() => done(), done),
  });
  pool.on('error', onError);
  // The pool listens to idle clients only: without this a connection that breaks between two statements ends the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

async function prepare(pool: Pool): Promise<void> {
  try {
    await preparePostgres(pool);
  } finally {
    await pool.end();
  }
}
