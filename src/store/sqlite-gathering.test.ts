import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { defaultDisk } from './disk-guard.ts';
import { defaultRetention } from './retention.ts';
import type { SqliteStore } from './sqlite-operations.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { AppendItem, Appended, NewDelivery } from './store.ts';

const namespaceUid = 'ns-1';
const destination = 'ns-1/take/trigger:web';

function itemOf(id: string, delivery: Omit<NewDelivery, 'destination'> = {}, key = id): AppendItem {
  return {
    event: { id, namespaceUid, type: 'test', source: '/test', attributes: '{}', body: new Uint8Array([1, 2, 3]) },
    deliveries: [{ destination, ...delivery }],
    duplicate: { endpoint: 'take', key, windowMs: 60_000 },
  };
}

function open(t: TestContext) {
  const clock = { wall: () => 1000, monotonic: () => 1000 };
  const owner = openSqliteStore({ path: ':memory:', retention: defaultRetention, disk: defaultDisk }, clock);
  t.after(() => owner.close());
  /** What each answers; all in one turn, as appends that came together. */
  function together(steps: readonly ((store: SqliteStore) => unknown)[]): unknown[] {
    const answers: unknown[] = [];
    owner.turn(
      steps.map((run, index) => ({
        arrived: 1,
        run,
        done: (value) => (answers[index] = value),
        failed: (error) => (answers[index] = error),
      })),
    );
    return answers;
  }
  const append = (...items: readonly AppendItem[]) =>
    together(items.map((item) => (store) => store.append([item]))) as (readonly Appended[] | Error)[];
  function ask<Value>(run: (store: SqliteStore) => Value): Value {
    let answer: Value | undefined;
    owner.turn([
      {
        run,
        done: (value) => (answer = value as Value),
        failed(error) {
          throw error;
        },
      },
    ]);
    return answer as Value;
  }
  const rows = () =>
    ask((store) => store.read({ namespaceUid }, { after: 0, limit: 1000 })).map(({ delivery, eventId, state }) => ({
      delivery,
      eventId,
      state,
    }));
  return { append, together, ask, rows };
}

describe('appends of one turn', () => {
  test('are rows in their order, numbered after each other, with their events', (t) => {
    const { append, ask, rows } = open(t);
    const ids = Array.from({ length: 70 }, (_, index) => `e${index}`);
    assert.deepEqual(
      append(...ids.map((id) => itemOf(id))),
      ids.map((id) => [{ id, leased: [] }]),
    );
    append(itemOf('later'));
    assert.deepEqual(
      rows()
        .toSorted((a, b) => a.delivery - b.delivery)
        .map(({ eventId }) => eventId),
      [...ids, 'later'],
    );
    const leases = ask((store) => store.lease([{ destination, max: 100 }], 1000));
    assert.deepEqual(
      leases.map(({ event }) => event.id),
      [...ids, 'later'],
    );
    assert.deepEqual([...(leases[69]?.event.body ?? [])], [1, 2, 3]);
    assert.equal(ask((store) => store.counts()).gap, 0);
  });

  test('know a delivery id of the same turn, and run its event again where it may', (t) => {
    const { append, rows } = open(t);
    assert.deepEqual(append(itemOf('a'), itemOf('b'), itemOf('c', {}, 'a'), itemOf('d')), [
      [{ id: 'a', leased: [] }],
      [{ id: 'b', leased: [] }],
      [{ id: 'a', duplicateOf: 'a', leased: [] }],
      [{ id: 'd', leased: [] }],
    ]);
    assert.equal(rows().length, 3);
  });

  test('of which one has the id of an event that is there are kept without it', (t) => {
    const { append, ask, rows } = open(t);
    append(itemOf('a'));
    assert.deepEqual(append(itemOf('b'), itemOf('a', {}, 'another key'), itemOf('c')), [
      [{ id: 'b', leased: [] }],
      [{ id: 'a', duplicateOf: 'a', leased: [] }],
      [{ id: 'c', leased: [] }],
    ]);
    assert.equal(rows().length, 3);
    const { created, gap } = ask((store) => store.counts());
    assert.deepEqual([created, gap], [3, 0]);
  });

  test('are leased eagerly until one waits, and each that was leased can be settled', (t) => {
    const { append, ask, rows } = open(t);
    const answers = append(
      itemOf('a', { eagerMs: 1000 }),
      itemOf('b', { eagerMs: 1000 }),
      itemOf('waits'),
      itemOf('c', { eagerMs: 1000 }),
    ) as Appended[][];
    assert.deepEqual(
      answers.map(([appended]) => appended?.leased.map(({ event }) => event.id)),
      // Who waits goes first.
      [['a'], ['b'], [], ['waits']],
    );
    const receipts = answers.flat().flatMap(({ leased }) => leased.map(({ receipt }) => receipt));
    assert.deepEqual(
      ask((store) => store.settle(receipts.map((receipt) => ({ receipt, ending: { kind: 'done' } })))),
      ['ok', 'ok', 'ok'],
    );
    assert.deepEqual(
      rows()
        .map(({ eventId, state }) => `${eventId} ${state}`)
        .toSorted(),
      ['a done', 'b done', 'c waiting', 'waits done'],
    );
  });

  test('beside one that is refused are kept, and nothing of that one is', (t) => {
    const { append, ask, rows } = open(t);
    const all = { waitingRows: 3, waitingBytes: 1e9, keyValueBytes: 1e9 };
    ask((store) => store.setQuotas({ all, byNamespace: {} }));
    const answers = append(itemOf('a'), itemOf('b'), itemOf('c'), itemOf('d'));
    assert.deepEqual(
      answers.map((answer) => (answer instanceof Error ? 'refused' : answer[0]?.id)),
      ['a', 'b', 'c', 'refused'],
    );
    assert.equal(rows().length, 3);
    ask((store) => store.setQuotas({ all: { ...all, waitingRows: 9 }, byNamespace: {} }));
    // Its delivery id is not known: it is taken now.
    assert.deepEqual(append(itemOf('d')), [[{ id: 'd', leased: [] }]]);
  });
});
