/** The connections of one process to PostgreSQL: opened, checked, and the schema brought up to date. */
import { Pool } from 'pg';
import { assertSession, preparePostgres, sessionOptions } from './postgres-schema.ts';

const connections = 5;

export async function openPool(url: string, onError: (error: Error) => void): Promise<Pool> {
  const pool = new Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 5000,
    options: sessionOptions,
    application_name: 'moonhook',
    // oxlint-disable-next-line promise/no-callback-in-promise -- pg's pool asks with a callback
    verify: (client, done) => void assertSession(client).then(() => done(), done),
  });
  pool.on('error', onError);
  // The pool listens to idle clients only: without this a connection that breaks between two statements ends the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    await preparePostgres(pool);
    return pool;
  } catch (error) {
    await pool.end();
    throw error;
  }
}
