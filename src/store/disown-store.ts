/** Makes a store that nobody uses forget whose it is: a restored backup, or one that moves to another cluster. */
import { existsSync } from 'node:fs';
import { Client } from 'pg';
import { errorMessage } from '../failures/error-message.ts';
import { describeDatabase } from './open-postgres.ts';
import { claimPostgres, disownPostgres } from './postgres-owner.ts';
import { connectMs, inPlainWords } from './postgres-timeouts.ts';
import { claimSqlite, disownSqlite } from './sqlite-owner.ts';
import { openDatabase } from './sqlite-schema.ts';
import { StoreRefused } from './store-refused.ts';

/** Answers whose it was; undefined: nobody's. Throws `StoreRefused`, and `StoreInUse` where a process has it open. */
export async function disownStore(
  place: { readonly url: string } | { readonly path: string },
): Promise<string | undefined> {
  return 'url' in place ? disownDatabase(place.url) : disownFile(place.path);
}

function disownFile(path: string): string | undefined {
  if (!existsSync(path)) throw new StoreRefused(`there is no ${path}`);
  const database = openDatabase(path);
  try {
    const owner = claimSqlite(database);
    disownSqlite(database);
    return owner;
  } finally {
    database.close();
  }
}

/** Who runs on it has been let in: it asks again only when it starts. */
async function disownDatabase(url: string): Promise<string | undefined> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: connectMs });
  const refused = (message: string, cause?: unknown): StoreRefused =>
    new StoreRefused(`PostgreSQL at ${describeDatabase(url)}: ${message}`, { cause });
  try {
    await client.connect();
    const { rows } = await client.query<{ there: boolean }>("SELECT to_regclass('moonhook_meta') IS NOT NULL AS there");
    if (rows[0]?.there !== true) throw refused('it holds no store');
    const owner = await claimPostgres(client);
    await disownPostgres(client);
    return owner;
  } catch (error) {
    throw error instanceof StoreRefused ? error : refused(errorMessage(inPlainWords(error)), error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
