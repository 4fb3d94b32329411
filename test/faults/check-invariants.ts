/** Compares what the recorder saw with what the store holds: the invariants of the promise, each with its count. */
import assert from 'node:assert/strict';
import type { DeliveryRow, Store } from '../../src/store/store.ts';
import type { Recorder } from './recorder.ts';
import { concurrency, keySpace, maxAttempts, namespaceUid, retryMs } from './workload.ts';

const live: ReadonlySet<string> = new Set(['waiting', 'held', 'leased']);

async function allRows(store: Store): Promise<DeliveryRow[]> {
  const rows: DeliveryRow[] = [];
  for (;;) {
    const after = rows.at(-1)?.delivery;
    const page = await store.read({ namespaceUid }, { limit: 1000, ...(after === undefined ? {} : { after }) });
    rows.push(...page);
    if (page.length < 1000) return rows;
  }
}

async function keysOf(store: Store, prefix: string): Promise<Set<string>> {
  const keys = new Set<string>();
  let after = '';
  for (;;) {
    const page = await store.list(keySpace, prefix, 1000, after);
    for (const key of page) keys.add(key.slice(prefix.length));
    after = page.at(-1) ?? '';
    if (page.length < 1000) return keys;
  }
}

const numberOf = async (store: Store, key: string): Promise<number> =>
  Number(Buffer.from((await store.get(keySpace, key))?.value ?? Buffer.from('0')).toString());

/** I12: nothing waits any more within the time. */
export async function drained(store: Store, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  for (;;) {
    const { byState } = await store.counts();
    const left = byState.waiting + byState.held + byState.leased;
    if (left === 0) return;
    if (performance.now() > until) {
      const rows = (await allRows(store)).filter(({ state }) => live.has(state));
      assert.fail(`I12: ${left} deliveries are left, as ${JSON.stringify(rows.slice(0, 3))}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * After `drained`. Answers one line with all counts. `timing`: also what happens when: false where clocks jump, or where
 * calls are ended because their lease was lost, which nobody outside hears of.
 */
export async function checkInvariants(
  store: Store,
  recorder: Recorder,
  { timing = true }: { readonly timing?: boolean } = {},
): Promise<string> {
  const rows = await allRows(store);
  const orders = await keysOf(store, 'order/');
  const children = await keysOf(store, 'child/');
  const { sent, told, hooks, counts } = recorder;
  const taken = rows.filter(({ destination }) => destination.endsWith('/trigger:take'));
  const dead = rows.filter(({ state }) => state === 'dead');
  const accepted = [...sent].filter(([, answered]) => answered).map(([id]) => id);
  const ended = new Set([...orders, ...(await deadOrders(store, dead))]);

  const lost = accepted.filter((id) => !ended.has(id));
  assert.deepEqual(lost, [], 'I1: answered 202, and neither run nor dead with a reason');
  const invented = [...new Set([...orders, ...told.map(({ id }) => id)])].filter((id) => !sent.has(id));
  assert.deepEqual(invented, [], 'I2: nobody has sent these');
  assert.equal(taken.length, ended.size, 'I3: one delivery per order, however often it was sent');

  const { gap, created, byState } = await store.counts();
  assert.equal(gap, 0, 'I4: what was created is what there is');
  assert.equal(created, rows.length, 'I4: and each of it is a row');
  for (const state of ['done', 'dead'] as const)
    assert.equal(byState[state], rows.filter((row) => row.state === state).length, `I4: ${state}`);

  const started = new Set(told.filter(({ what }) => what === 'start').map(({ id }) => id));
  assert.deepEqual(
    [...orders].filter((id) => !started.has(id)),
    [],
    'I5: run, but never started',
  );
  const over = told.filter(({ attempt }) => attempt > maxAttempts);
  assert.deepEqual(over, [], 'I6: attempts');
  const innocents = dead.filter(({ reason }) => reason === 'RuntimeLost');
  const lostIds = await deadOrders(store, innocents);
  const guilty = lostIds.filter((id) => id.startsWith('poison')).length;
  const innocent = innocents.length - guilty;
  assert.equal(innocent, 0, `I6: ${innocent} ended with their process although they kill none: ${lostIds.join(', ')}`);
  const redirected = dead.filter(({ reason }) => reason === 'Redirected').length;
  assert.ok(redirected <= (recorder.answers.get('status 302') ?? 0), `I6: ${redirected} dead of redirects`);
  assert.deepEqual(
    dead
      .filter(({ reason }) => reason !== 'RuntimeLost' && reason !== 'Redirected')
      .map(({ reason, error }) => [reason, error]),
    [],
    'I6: dead for another reason than a redirect or a process that ended',
  );

  const settled = { runs: await numberOf(store, 'runs'), children: await numberOf(store, 'children') };
  assert.deepEqual(settled, { runs: orders.size, children: children.size }, 'I8: effects once per settled attempt');
  const childless = [...orders].filter((id) => !children.has(id));
  assert.ok(childless.length <= dead.length, `I8: ${childless.length} orders published nothing`);
  const twice = [...hooks].filter(([, ids]) => ids.size > 1);
  assert.deepEqual(twice, [], 'I8: one order, several events');
  const unsent = [...orders].filter((id) => !hooks.has(id));
  assert.ok(unsent.length <= dead.length, `I5: ${unsent.length} webhooks never arrived`);

  const { early, most } = timesOf(recorder);
  if (timing) {
    assert.deepEqual(early, [], 'I9: tried again too early');
    assert.ok(most <= concurrency, `I11: ${most} calls at once in one process`);
  }
  return [
    `orders ${sent.size}, accepted ${counts.accepted}, duplicates ${counts.duplicates}, refused ${list(recorder.refused)}`,
    `unanswered ${counts.unanswered}, starts ${told.filter(({ what }) => what === 'start').length}`,
    `deliveries ${rows.length}, done ${byState.done}, dead ${dead.length} (${list(countBy(dead.map(({ reason }) => reason ?? '')))}), lost ${lost.length}, invented ${invented.length}`,
    `webhooks ${list(recorder.answers)}`,
  ].join('; ');
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}

const list = (map: ReadonlyMap<string, number>): string =>
  [...map].map(([name, count]) => `${name} ${count}`).join(', ') || '0';

async function deadOrders(store: Store, dead: readonly DeliveryRow[]): Promise<string[]> {
  const ids: string[] = [];
  for (const { eventId, destination } of dead) {
    if (!destination.endsWith('/trigger:take')) continue;
    const event = await store.event(namespaceUid, eventId);
    ids.push((JSON.parse(Buffer.from(event?.body ?? []).toString()) as { readonly id: string }).id);
  }
  return ids;
}

/** Next attempts that came too early after the end of the one before, and the most calls of a process at once. */
function timesOf({ told }: Recorder): { readonly early: readonly string[]; readonly most: number } {
  const early: string[] = [];
  const ends = new Map<string, { readonly attempt: number; readonly at: number }>();
  const running = new Map<string, Set<string>>();
  let most = 0;
  for (const { what, id, attempt, process, at } of told) {
    const of = running.get(process) ?? new Set<string>();
    running.set(process, of);
    if (what === 'end') {
      of.delete(`${id} ${attempt}`);
      ends.set(id, { attempt, at });
      continue;
    }
    of.add(`${id} ${attempt}`);
    most = Math.max(most, of.size);
    const end = ends.get(id);
    // The receiver hears of the end before the program settles it.
    if (end !== undefined && end.attempt + 1 === attempt && at - end.at < retryMs) {
      early.push(`${id}: attempt ${attempt} ${Math.round(at - end.at)} ms after attempt ${end.attempt}`);
    }
  }
  return { early, most };
}
