/** A PostgreSQL database as source and as target of a copy: one moment of it, one transaction into it. */
import { Client, Pool, types } from 'pg';
import { errorMessage } from '../failures/error-message.ts';
import type { CopySource, CopyTable, CopyTarget, CopyValue } from './copy-store.ts';
import { describeDatabase } from './open-postgres.ts';
import { claimPostgres } from './postgres-owner.ts';
import { partitionName } from './postgres-partitions.ts';
import { preparePostgres } from './postgres-schema.ts';
import { connectMs, inPlainWords } from './postgres-timeouts.ts';
import { StoreRefused } from './store-refused.ts';

const prefix = 'moonhook_';
const batchRows = 500;
const dayMs = 86_400_000;
const bigint = 20;
/** What deliveries of either table have. */
const common = 'seq, event, destination, generation, state, due, background, attempts, crashes, epoch, order_key';

/** A view of all processes' rows: other processes may go on. */
export async function openPostgresSource(url: string): Promise<CopySource> {
  const client = await connect(url);
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  if (!(await hasSchema(client))) {
    await client.end();
    throw new StoreRefused(`PostgreSQL at ${describeDatabase(url)} holds no store`);
  }
  return {
    tables: () => tablesOf(client),
    count: (table) => countOf(client, table),
    async *rows({ name, columns }) {
      const from = name === 'deliveries' ? `(${allDeliveries}) AS d` : `${prefix}${name}`;
      await client.query(`DECLARE copied NO SCROLL CURSOR FOR SELECT ${columns.join(', ')} FROM ${from}`);
      for (;;) {
        const { rows } = await client.query<CopyValue[]>({ text: `FETCH ${batchRows} FROM copied`, rowMode: 'array' });
        if (rows.length === 0) break;
        yield rows;
      }
      await client.query('CLOSE copied');
    },
    counters: () => countersOf(client),
    now: async () => Number((await client.query<{ now: number }>('SELECT moonhook_now() AS now')).rows[0]?.now),
    owner: () => claimPostgres(client),
    close: () => client.end(),
  };
}

/** Creates the schema where it is missing. Nothing is there for others before `finish`. */
export async function openPostgresTarget(url: string): Promise<CopyTarget> {
  const pool = new Pool({ connectionString: url, max: 1, connectionTimeoutMillis: connectMs });
  try {
    await preparePostgres(pool);
  } catch (error) {
    throw told(error, url);
  } finally {
    await pool.end();
  }
  const client = await connect(url);
  await client.query('BEGIN');
  const days = new Set<number>();

  async function insert(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly CopyValue[])[],
  ): Promise<void> {
    if (rows.length === 0) return;
    const kinds = await typesOf(client, table);
    const arrays = columns.map((column, index) => rows.map((row) => toPostgres(row[index] ?? null, kinds.get(column))));
    const parts = columns.map((column, index) => `$${index + 1}::${kinds.get(column)}[]`);
    await client.query(
      `INSERT INTO ${prefix}${table} (${columns.join(', ')}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(${parts.join(', ')})`,
      arrays,
    );
  }

  /** Days that have gone by have a partition of their own, too, so that they go as a whole. */
  async function makeDay(day: number): Promise<void> {
    if (days.has(day)) return;
    days.add(day);
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${partitionName(day)} PARTITION OF ${prefix}ended FOR VALUES FROM (${day * dayMs}) TO (${(day + 1) * dayMs})`,
    );
  }

  return {
    tables: () => tablesOf(client),
    count: (table) => countOf(client, table),
    async write(table, columns, rows) {
      for (let at = 0; at < rows.length; at += batchRows) {
        const part = rows.slice(at, at + batchRows);
        if (table !== 'deliveries') {
          await insert(table, columns, part);
          continue;
        }
        const ended = columns.indexOf('ended');
        const isEnded = (row: readonly CopyValue[]): boolean => row[ended] !== null;
        for (const row of part.filter(isEnded)) await makeDay(Math.floor(Number(row[ended]) / dayMs));
        await insert('ended', columns, part.filter(isEnded));
        const live = columns.flatMap((column, index) => (['reason', 'ended'].includes(column) ? [] : [index]));
        await insert(
          'deliveries',
          live.map((index) => columns[index] ?? ''),
          part.filter((row) => !isEnded(row)).map((row) => live.map((index) => row[index] ?? null)),
        );
      }
    },
    async finish(counters, _now, owner) {
      const of = (name: string): number => counters[name] ?? 0;
      await client.query(
        `INSERT INTO ${prefix}counters (process, created, done, dead, filtered, cancelled, superseded, touched)
         VALUES ('copy', $1, $2, $3, $4, $5, $6, moonhook_now())`,
        [of('created'), of('done'), of('dead'), of('filtered'), of('cancelled'), of('superseded')],
      );
      for (const [sequence, largest] of [
        [`'${prefix}versions'`, `greatest(${of('version')}, (SELECT max(version) FROM ${prefix}key_values))`],
        [`'${prefix}event_numbers'`, `(SELECT max(seq) FROM ${prefix}events)`],
        [`pg_get_serial_sequence('${prefix}destinations', 'id')`, `(SELECT max(id) FROM ${prefix}destinations)`],
        [`pg_get_serial_sequence('${prefix}deliveries', 'seq')`, `(SELECT max(seq) FROM (${allDeliveries}) AS d)`],
      ] as const) {
        await client.query(`SELECT setval(${sequence}, greatest(1, coalesce(${largest}, 1)))`);
      }
      if (owner !== undefined) await claimPostgres(client, { owner });
      await client.query('COMMIT');
    },
    async gap() {
      const counters = await countersOf(client);
      const { rows } = await client.query<{ live: number }>(`SELECT count(*) AS live FROM ${prefix}deliveries`);
      const ended = ['done', 'dead', 'filtered', 'cancelled', 'superseded'];
      const known = ended.reduce((sum, name) => sum + (counters[name] ?? 0), 0);
      return (counters['created'] ?? 0) - known - Number(rows[0]?.live);
    },
    // A transaction that was not committed ends with its connection.
    close: () => client.end(),
  };
}

const allDeliveries = `SELECT ${common}, NULL::text AS reason, error, NULL::bigint AS ended FROM ${prefix}deliveries
  UNION ALL SELECT ${common}, reason, error, ended FROM ${prefix}ended`;

/** Every number of a store is below 2^53. */
function parserOf(oid: number, format?: 'text' | 'binary') {
  return oid === bigint ? Number : types.getTypeParser(oid, format);
}

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    options: '-c statement_timeout=0 -c idle_in_transaction_session_timeout=0',
    types: { getTypeParser: (oid, format) => parserOf(oid, format) },
  });
  try {
    await client.connect();
  } catch (error) {
    throw told(error, url);
  }
  return client;
}

function told(error: unknown, url: string): Error {
  if (error instanceof StoreRefused) return error;
  const message = errorMessage(inPlainWords(error));
  return new StoreRefused(`PostgreSQL at ${describeDatabase(url)}: ${message}`, { cause: error });
}

async function hasSchema(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(`SELECT to_regclass('${prefix}events') IS NOT NULL AS there`);
  return rows[0]?.there === true;
}

/** Partitions belong to their table; both tables of deliveries are one. */
async function tablesOf(client: Client): Promise<readonly CopyTable[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relname LIKE 'moonhook@_%' ESCAPE '@' AND relkind IN ('r', 'p')
       AND NOT relispartition AND pg_table_is_visible(oid) ORDER BY relname`,
  );
  const tables: CopyTable[] = [];
  for (const { name } of rows) {
    const table = name.slice(prefix.length);
    const columns = [...(await typesOf(client, table)).keys()];
    tables.push({ name: table, columns: table === 'deliveries' ? [...columns, 'reason', 'ended'] : columns });
  }
  return tables;
}

async function typesOf(client: Client, table: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [`${prefix}${table}`],
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}

async function countOf(client: Client, table: string): Promise<number> {
  const from = table === 'deliveries' ? `(${allDeliveries}) AS d` : `${prefix}${table}`;
  const { rows } = await client.query<{ count: number }>(`SELECT count(*) AS count FROM ${from}`);
  return Number(rows[0]?.count);
}

async function countersOf(client: Client): Promise<Readonly<Record<string, number>>> {
  const { rows } = await client.query<Record<string, number>>(
    `SELECT coalesce(sum(created), 0)::bigint AS created, coalesce(sum(done), 0)::bigint AS done, coalesce(sum(dead), 0)::bigint AS dead,
       coalesce(sum(filtered), 0)::bigint AS filtered, coalesce(sum(cancelled), 0)::bigint AS cancelled,
       coalesce(sum(superseded), 0)::bigint AS superseded, (SELECT last_value FROM ${prefix}versions) AS version
     FROM ${prefix}counters`,
  );
  return rows[0] ?? {};
}

function toPostgres(value: CopyValue, type: string | undefined): CopyValue {
  if (type === 'bytea' && typeof value === 'string') return Buffer.from(value, 'utf8');
  if (type === 'bytea' && value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return type === 'text' && value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value;
}
