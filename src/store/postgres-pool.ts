/** The connections of one process to PostgreSQL: opened, checked, and the schema brought up to date. */
import { Pool } from 'pg';
import { assertSession, preparePostgres, sessionOptions } from './postgres-schema.ts';
import { answerMs, connections, connectMs } from './postgres-timeouts.ts';

export async function openPool(url: string, onError: (error: Error) => void): Promise<Pool> {
  // A new version of the schema may take its time.
  await prepare(openConnections(url, 1, onError));
  return openConnections(url, connections, onError, answerMs);
}

function openConnections(url: string, max: number, onError: (error: Error) => void, query_timeout?: number): Pool {
  const pool = new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: connectMs,
    ...(query_timeout === undefined ? {} : { query_timeout }),
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
