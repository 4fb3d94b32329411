/** Settling in PostgreSQL, many at once: endings move rows to the table of ended ones, together with all that the calls did. */
import { lockKeysOf } from './postgres-add.ts';
import { appendItems } from './postgres-append.ts';
import { promoteNext } from './postgres-deliveries.ts';
import type { PostgresDestinations } from './postgres-destinations.ts';
import { answerDuplicates } from './postgres-duplicates.ts';
import { writeKeyValues } from './postgres-key-value.ts';
import { countSql, type Session, type Sessions } from './postgres-session.ts';
import type { Settled, SettleItem } from './store.ts';

interface SettledRow {
  readonly seq: string;
  readonly epoch: number;
  readonly state: string;
  readonly live: boolean | null;
  readonly destination: string;
  readonly order_key: Buffer | null;
}

/**
 * `$7`: the transaction has locked and judged the rows before, and written what their calls did: a lease that lapses in
 * between changes nothing any more. Otherwise rows with an order key are left alone: what waits behind them is promoted in
 * the same transaction.
 */
const settleSql = `
  WITH input AS (
    SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::text[], $6::bytea[])
      AS i (seq, epoch, ending, delay, reason, error)
  ), locked AS MATERIALIZED (
    SELECT d.seq, d.epoch, d.state, d.lease_until > moonhook_now() AS live, d.destination, d.order_key,
      i.epoch AS given, i.ending, i.delay, i.reason, i.error
    FROM moonhook_deliveries d JOIN input i ON i.seq = d.seq ORDER BY d.seq FOR UPDATE OF d
  ), mine AS MATERIALIZED (
    SELECT * FROM locked WHERE epoch = given AND state = 'leased' AND ($7::boolean OR (live AND order_key IS NULL))
  ), retried AS (
    UPDATE moonhook_deliveries d SET state = 'waiting', due = moonhook_now() + m.delay, lease_until = NULL, crashes = 0, error = m.error
    FROM mine m WHERE d.seq = m.seq AND m.ending = 'retry'
  ), gone AS (
    DELETE FROM moonhook_deliveries d USING mine m WHERE d.seq = m.seq AND m.ending <> 'retry'
    RETURNING d.seq, d.event, d.destination, d.generation, d.due, d.background, d.attempts, d.crashes, d.epoch, d.order_key,
      m.ending, m.reason, coalesce(m.error, d.error) AS error
  ), kept AS (
    INSERT INTO moonhook_ended (seq, event, destination, generation, state, due, background, attempts, crashes, epoch, order_key, reason, error, ended)
    SELECT seq, event, destination, generation, ending, due, background, attempts, crashes, epoch, order_key, reason, error, moonhook_now()
    FROM gone RETURNING state
  ), given AS (
    UPDATE moonhook_key_values k SET owner = NULL FROM mine m WHERE k.owner = m.seq AND m.ending NOT IN ('retry', 'dead')
  ), taken AS (
    DELETE FROM moonhook_key_values k USING mine m WHERE k.owner = m.seq AND m.ending = 'dead'
  ), counted AS (${countSql('$8', {
    done: "(SELECT count(*) FROM kept WHERE state = 'done')",
    dead: "(SELECT count(*) FROM kept WHERE state = 'dead')",
    filtered: "(SELECT count(*) FROM kept WHERE state = 'filtered')",
    cancelled: "(SELECT count(*) FROM kept WHERE state = 'cancelled')",
    superseded: "(SELECT count(*) FROM kept WHERE state = 'superseded')",
  })})
  SELECT seq, epoch, state, live, destination, order_key FROM locked`;

type Verdict = 'current' | 'ordered' | 'repeated' | 'stale';

/** Answers in the order of the items. */
export async function settleItems(
  sessions: Sessions,
  items: readonly SettleItem[],
  destinations: PostgresDestinations,
): Promise<Settled[]> {
  const answers = new Map<SettleItem, Settled>();
  for (const round of inRounds(items)) {
    const plain = round.filter((item) => !hasEffects(item));
    const rest = round.filter(hasEffects);
    if (plain.length > 0) {
      const verdicts = await sessions.once((session) => settleSession(session, plain, false));
      for (const [index, item] of plain.entries()) {
        const verdict = verdicts[index];
        if (verdict === 'ordered') rest.push(item);
        else answers.set(item, verdict === 'stale' ? 'stale' : 'ok');
      }
    }
    if (rest.length === 0) continue;
    const settled = await sessions.transaction((session) => settleWithEffects(session, rest, destinations));
    for (const [index, item] of rest.entries()) answers.set(item, settled[index] ?? 'stale');
  }
  return items.map((item) => answers.get(item) ?? 'stale');
}

function hasEffects({ append = [], writes = [], expectations = [] }: SettleItem): boolean {
  return append.length + writes.length + expectations.length > 0;
}

/** A delivery that is settled twice in one batch is settled twice in order. */
function inRounds(items: readonly SettleItem[]): SettleItem[][] {
  const rounds: SettleItem[][] = [];
  const last = new Map<number, number>();
  for (const item of items) {
    const number = (last.get(item.receipt.delivery) ?? -1) + 1;
    last.set(item.receipt.delivery, number);
    (rounds[number] ??= []).push(item);
  }
  return rounds;
}

/** Inside a transaction: everything of an item lands or nothing of it. */
async function settleWithEffects(
  session: Session,
  items: readonly SettleItem[],
  destinations: PostgresDestinations,
): Promise<Settled[]> {
  const { client } = session;
  const before = await verdictsOf(session, items);
  const current = items.filter((_, index) => before[index] === 'current' || before[index] === 'ordered');
  const written = await writeKeyValues(
    client,
    current.map(({ writes = [], expectations = [] }) => ({ writes, expectations })),
  );
  const landing = new Set(current.filter((_, index) => written[index]?.kind === 'ok'));
  const appended = items.flatMap((item) => (landing.has(item) ? (item.append ?? []) : []));
  if (appended.length > 0) {
    const ids = await destinations.idsOf(
      appended.flatMap(({ deliveries }) => deliveries.map((each) => each.destination)),
    );
    const answers = await appendItems(session, appended, ids);
    const known = appended.filter((_, index) => answers[index] === undefined);
    if (known.length > 0) await answerDuplicates(session, known, destinations);
  }
  if (landing.size > 0) await settleSession(session, [...landing], true);
  return items.map((item, index) => {
    if (landing.has(item)) return 'ok';
    if (before[index] === 'current' || before[index] === 'ordered') return 'conflict';
    return before[index] === 'repeated' ? 'ok' : 'stale';
  });
}

/** Locks the rows, in the order of their numbers, and says which receipts still hold. */
async function verdictsOf(session: Session, items: readonly SettleItem[]): Promise<Verdict[]> {
  const { rows } = await session.client.query<SettledRow>(
    `SELECT seq, epoch, state, lease_until > moonhook_now() AS live, destination, order_key
     FROM moonhook_deliveries WHERE seq = ANY ($1::bigint[]) ORDER BY seq FOR UPDATE`,
    [items.map(({ receipt }) => receipt.delivery)],
  );
  return await judge(session, items, rows);
}

async function settleSession(session: Session, items: readonly SettleItem[], ordered: boolean): Promise<Verdict[]> {
  const { rows } = await session.client.query<SettledRow>({
    name: 'moonhook_settle',
    text: settleSql,
    values: [
      items.map(({ receipt }) => receipt.delivery),
      items.map(({ receipt }) => receipt.epoch),
      items.map(({ ending }) => ending.kind),
      items.map(({ ending }) => (ending.kind === 'retry' ? ending.delayMs : null)),
      items.map(({ ending }) => (ending.kind === 'dead' ? ending.reason : null)),
      items.map(({ ending }) => ('error' in ending ? Buffer.from(ending.error, 'utf8') : null)),
      ordered,
      session.counter,
    ],
  });
  if (ordered) {
    const ended = new Set(items.filter(({ ending }) => ending.kind !== 'retry').map(({ receipt }) => receipt.delivery));
    const keys = rows.flatMap(({ seq, destination, order_key: orderKey }) =>
      orderKey === null || !ended.has(Number(seq)) ? [] : [{ destination: Number(destination), orderKey }],
    );
    // Only now: whoever appends behind this row holds the lock while it looks.
    await lockKeysOf(session.client, keys);
    await promoteNext(session.client, keys);
  }
  return await judge(session, items, rows);
}

/** A row that is not in the hot table has ended: under this receipt, or it is none of the caller's business. */
async function judge(session: Session, items: readonly SettleItem[], rows: readonly SettledRow[]): Promise<Verdict[]> {
  const bySeq = new Map(rows.map((row) => [Number(row.seq), row]));
  const missing = items.filter(({ receipt }) => !bySeq.has(receipt.delivery));
  const ended = new Map<number, number>();
  if (missing.length > 0) {
    const found = await session.client.query<{ seq: string; epoch: number }>(
      'SELECT seq, epoch FROM moonhook_ended WHERE seq = ANY ($1::bigint[])',
      [missing.map(({ receipt }) => receipt.delivery)],
    );
    for (const { seq, epoch } of found.rows) ended.set(Number(seq), epoch);
  }
  return items.map(({ receipt: { delivery, epoch } }): Verdict => {
    const row = bySeq.get(delivery);
    if (row === undefined) return ended.get(delivery) === epoch ? 'repeated' : 'stale';
    if (row.epoch !== epoch) return 'stale';
    if (row.state !== 'leased') return 'repeated';
    if (row.live !== true) return 'stale';
    return row.order_key === null ? 'current' : 'ordered';
  });
}
