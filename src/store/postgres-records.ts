/** Records of calls in PostgreSQL: what one runtime recorded, all find. Their commits wait for no disk. */
import type { Pool } from 'pg';
import type { Sessions } from './postgres-session.ts';
import { recordRowBytes, type RecordBounds, type RecordQuery, type RecordStore } from './records.ts';

/** Part of the schema from its third version on. */
export const recordTables = `
  CREATE TABLE moonhook_records (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, scope text NOT NULL, time double precision NOT NULL, namespace text NOT NULL,
    function text NOT NULL, subscription text NOT NULL, trigger text NOT NULL, outcome text NOT NULL, logged boolean NOT NULL, ids bytea[] NOT NULL,
    shelf text, bytes integer NOT NULL, content bytea NOT NULL);
  CREATE INDEX moonhook_records_time ON moonhook_records (time);
  CREATE INDEX moonhook_records_function ON moonhook_records (namespace, function, time);
  CREATE INDEX moonhook_records_scope ON moonhook_records (scope, time);
  CREATE INDEX moonhook_records_shelf ON moonhook_records (shelf, time) WHERE shelf IS NOT NULL;
  CREATE INDEX moonhook_records_ids ON moonhook_records USING gin (ids);
`;

const deletedAtOnce = 500;
const purgedAtOnce = 5_000;

/** On the pool of the store; closing ends nothing of it. */
export function createPostgresRecords(pool: Pool, sessions: Sessions, bounds: RecordBounds): RecordStore {
  return {
    add: (records) =>
      sessions.unsynced(async ({ client }) => {
        await client.query(
          `INSERT INTO moonhook_records (scope, time, namespace, function, subscription, trigger, outcome, logged, ids, shelf, bytes, content)
           SELECT scope, time, namespace, function, subscription, trigger, outcome, logged,
             ARRAY(SELECT decode(i, 'hex') FROM jsonb_array_elements_text(ids) AS i), shelf, $12::int + octet_length(content), content
           FROM unnest($1::text[], $2::float8[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::jsonb[], $10::text[], $11::bytea[])
             AS u (scope, time, namespace, function, subscription, trigger, outcome, logged, ids, shelf, content)`,
          [
            records.map(({ namespaceUid }) => namespaceUid),
            records.map(({ time }) => time),
            records.map(({ namespace }) => namespace),
            records.map(({ functionName }) => functionName),
            records.map(({ subscription }) => subscription),
            records.map(({ trigger }) => trigger),
            records.map(({ outcome }) => outcome),
            records.map(({ logged }) => logged),
            // Ids are what strangers chose: as bytes they may hold anything.
            records.map(({ ids }) => JSON.stringify(ids.map((id) => Buffer.from(id, 'utf8').toString('hex')))),
            records.map(({ shelf }) => shelf ?? null),
            records.map(({ content }) => Buffer.from(content)),
            recordRowBytes,
          ],
        );
        const shelves = [...new Map(records.map(({ shelf, room = 0 }) => [shelf, room]))].filter(
          (entry): entry is [string, number] => entry[0] !== undefined,
        );
        await client.query(
          `DELETE FROM moonhook_records WHERE seq IN (SELECT o.seq FROM unnest($1::text[], $2::int[]) AS u (shelf, room)
             CROSS JOIN LATERAL (SELECT seq FROM moonhook_records WHERE shelf = u.shelf ORDER BY time DESC OFFSET u.room) o)`,
          [shelves.map(([shelf]) => shelf), shelves.map(([, room]) => room)],
        );
      }),
    async find(query) {
      const { rows } = await pool.query<{ content: Buffer }>(
        `SELECT content FROM moonhook_records WHERE ($1::text IS NULL OR scope = $1) AND ($2::bytea IS NULL OR ids @> ARRAY[$2])
           AND ($3::text IS NULL OR namespace = $3) AND ($4::text IS NULL OR function = $4) AND ($5::text IS NULL OR trigger = $5)
           AND ($9::text IS NULL OR subscription = $9)
           AND ($6::text[] IS NULL OR outcome = ANY ($6)) AND (NOT $7::boolean OR logged)
           AND ($10::float8 IS NULL OR time <= $10) ORDER BY time DESC LIMIT $8`,
        parametersOf(query),
      );
      return rows.map(({ content }) => new Uint8Array(content));
    },
    async count() {
      const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM moonhook_records');
      return rows[0]?.count ?? 0;
    },
    async trim(now) {
      await sessions.unsynced(async ({ client }) => {
        await client.query(
          'DELETE FROM moonhook_records WHERE seq IN (SELECT seq FROM moonhook_records WHERE shelf IS NULL AND time < $1 ORDER BY time LIMIT $2 FOR UPDATE SKIP LOCKED)',
          [now - bounds.keepMs, deletedAtOnce],
        );
        // Whoever fills the book loses the oldest of his own, not his neighbours'.
        await client.query(
          `WITH sizes AS MATERIALIZED (SELECT scope, sum(bytes) AS bytes FROM moonhook_records GROUP BY scope),
             largest AS (SELECT scope FROM sizes WHERE (SELECT sum(bytes) FROM sizes) > $1::bigint ORDER BY bytes DESC LIMIT 1),
             oldest AS (SELECT r.seq, sum(r.bytes) OVER (ORDER BY r.time, r.seq) - r.bytes AS before FROM moonhook_records r JOIN largest l ON l.scope = r.scope)
           DELETE FROM moonhook_records r USING oldest o WHERE r.seq = o.seq AND o.before < (SELECT sum(bytes) FROM sizes) - $1::bigint`,
          [bounds.maxBytes],
        );
      });
    },
    async purge(namespaceUid) {
      const piece = (): Promise<number> =>
        sessions.unsynced(async ({ client }) => {
          const { rowCount } = await client.query(
            'DELETE FROM moonhook_records WHERE seq = ANY (ARRAY(SELECT seq FROM moonhook_records WHERE scope = $1 LIMIT $2))',
            [namespaceUid, purgedAtOnce],
          );
          return rowCount ?? 0;
        });
      while ((await piece()) === purgedAtOnce);
    },
    close: async () => undefined,
  };
}

function parametersOf(query: RecordQuery): unknown[] {
  const {
    namespaceUid,
    id,
    namespace,
    functionName,
    subscription,
    trigger,
    outcomes = [],
    logged = false,
    until,
    limit,
  } = query;
  return [
    namespaceUid ?? null,
    id === undefined ? null : Buffer.from(id, 'utf8'),
    namespace ?? null,
    functionName ?? null,
    trigger ?? null,
    outcomes.length === 0 ? null : outcomes,
    logged,
    limit,
    subscription ?? null,
    until ?? null,
  ];
}
