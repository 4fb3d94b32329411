/** Whose store a PostgreSQL database is. Of several processes that take it at once, one lands; the others are told its name. */
import type { ClientBase, Pool } from 'pg';
import type { OwnerClaim } from './types.ts';

/** Answers who owns it now. */
export async function claimPostgres(client: ClientBase | Pool, claim?: OwnerClaim): Promise<string | undefined> {
  if (claim !== undefined) {
    await client.query(
      `INSERT INTO moonhook_meta VALUES ('owner', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value
       WHERE moonhook_meta.value = $2`,
      [claim.owner, claim.from ?? claim.owner],
    );
  }
  const { rows } = await client.query<{ value: string }>("SELECT value FROM moonhook_meta WHERE name = 'owner'");
  return rows[0]?.value;
}

/** The next one that asks may have it. */
export async function disownPostgres(client: ClientBase | Pool): Promise<void> {
  await client.query("DELETE FROM moonhook_meta WHERE name = 'owner'");
}
