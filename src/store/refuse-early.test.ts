import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { defaultDisk } from './disk-guard.ts';
import { defaultRetention } from './retention.ts';
import type { SqliteStore } from './sqlite-operations.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { AppendItem, Appended } from './store.ts';

function itemOf(namespaceUid: string, id: string, more: Partial<AppendItem> = {}): AppendItem {
  const event = { id, namespaceUid, type: 'test', source: '/test', attributes: '{}', body: new Uint8Array(100) };
  const duplicate = { endpoint: 'take', key: id, windowMs: 60_000 };
  return { event, deliveries: [{ destination: `${namespaceUid}/take` }], duplicate, ...more };
}

/** A store whose namespace `full` may have so many deliveries waiting. */
function open(t: TestContext, waitingRows: number) {
  const clock = { wall: () => 1000, monotonic: () => 1000 };
  const owner = openSqliteStore({ path: ':memory:', retention: defaultRetention, disk: defaultDisk }, clock);
  t.after(() => owner.close());
  const ran: string[] = [];
  function ask<Value>(run: (store: SqliteStore) => Value): Value {
    const answers: Value[] = [];
    owner.turn([{ run, done: (value) => answers.push(value as Value), failed: (error) => assert.fail(error) }]);
    return answers[0] as Value;
  }
  const all = { waitingRows: 1e6, waitingBytes: 1e9, keyValueBytes: 1e9 };
  const setQuota = (rows: number): void =>
    ask((store) => store.setQuotas({ all, byNamespace: { full: { ...all, waitingRows: rows } } }));
  setQuota(waitingRows);
  /** The answer to each append, all in one turn: ids, or the name of the error. */
  function together(...appends: readonly (readonly AppendItem[])[]): unknown[] {
    const answers: unknown[] = [];
    ran.length = 0;
    owner.turn(
      appends.map((items, index) => ({
        arrived: 1,
        appends: items,
        run(store) {
          ran.push(items.map(({ event }) => event.id).join(','));
          return store.append(items);
        },
        done: (value) => (answers[index] = (value as readonly Appended[]).map(shortly).join(',')),
        failed: (error) => (answers[index] = error.constructor.name),
      })),
    );
    return answers;
  }
  return { ask, ran, setQuota, together };
}

const shortly = ({ id, duplicateOf, generation }: Appended): string =>
  `${id}${duplicateOf === undefined ? '' : ' again'}${generation === undefined ? '' : ` as ${generation}`}`;

describe('an append that a quota is sure to refuse', () => {
  test('does nothing, however many come, and its neighbours run once, together', (t) => {
    const { ran, setQuota, together } = open(t, 2);
    const bad = ['b1', 'b2', 'b3', 'b4', 'b5', 'b6'].map((id) => [itemOf('full', id)]);
    const good = ['g1', 'g2', 'g3', 'g4', 'g5', 'g6'].map((id) => [itemOf('other', id)]);
    const mixed = bad.flatMap((each, index) => [each, good[index] ?? []]);
    const refused = 'StoreOverQuota';
    const answers = ['b1', 'g1', 'b2', 'g2', refused, 'g3', refused, 'g4', refused, 'g5', refused, 'g6'];
    assert.deepEqual(together(...mixed), answers);
    assert.deepEqual(ran, ['b1', 'g1', 'b2', 'g2', 'g3', 'g4', 'g5', 'g6']);
    setQuota(3);
    assert.deepEqual(together([itemOf('full', 'b3')]), ['b3'], 'its delivery id was not taken');
  });

  test('is one of many items, too, of which each counts once', (t) => {
    const { ran, together } = open(t, 2);
    const batch = ['b1', 'b2', 'b3'].map((id) => itemOf('full', id));
    assert.deepEqual(together(batch, [itemOf('other', 'g1')]), ['StoreOverQuota', 'g1']);
    assert.deepEqual(ran, ['g1']);
    const repeated = [
      itemOf('full', 'b1'),
      itemOf('full', 'b2'),
      { ...itemOf('full', 'b3'), duplicate: duplicateOf('b2') },
    ];
    assert.deepEqual(together(repeated), ['b1,b2,b2 again']);
    const plain = (id: string): AppendItem => ({
      event: itemOf('full', id).event,
      deliveries: [{ destination: 'full/x' }],
    });
    assert.deepEqual(together([plain('b1')], [plain('b4')]), ['b1 again', 'StoreOverQuota']);
    assert.deepEqual(ran, ['b1']);
  });

  test('is none that repeats, that nobody wants, that is owed or that takes the place of another', (t) => {
    const { ask, ran, together } = open(t, 1);
    const delivery = { destination: 'full/take', orderKey: 'k', supersede: true };
    assert.deepEqual(together([itemOf('full', 'b1', { deliveries: [delivery] })]), ['b1']);
    const asked = [
      [itemOf('full', 'b2', { duplicate: duplicateOf('b1') })],
      [itemOf('full', 'b3', { deliveries: [] })],
      [itemOf('full', 'b4', { owed: true })],
    ];
    assert.deepEqual(together(...asked), ['b1 again', 'b3', 'b4']);
    ask((store) => store.cancel({ namespaceUid: 'full', eventId: 'b4' }));
    assert.deepEqual(together([itemOf('full', 'b5', { deliveries: [delivery] })]), ['b5']);
    assert.deepEqual(ran, ['b5']);
    assert.deepEqual(together([itemOf('full', 'b6')]), ['StoreOverQuota'], 'control: it is full');
  });

  test('is not told before where only its effect shows it: one that would run again is undone alone', (t) => {
    const { ask, ran, together } = open(t, 1);
    together([itemOf('full', 'b1')]);
    ask((store) => store.cancel({ namespaceUid: 'full' }));
    together([itemOf('full', 'b2')]);
    const repeat = [itemOf('full', 'b3', { duplicate: duplicateOf('b1') })];
    const [good, refused] = [['g1', 'g2', 'g3', 'g4', 'g5', 'g6'], 'StoreOverQuota'];
    const answers = together(...good.flatMap((id) => [[itemOf('other', id)], repeat]));
    assert.deepEqual(
      answers,
      good.flatMap((id) => [id, refused]),
    );
    assert.deepEqual(
      ran.filter((id) => id !== 'b3'),
      good,
      'the others ran once',
    );
    assert.equal(ask((store) => store.counts()).gap, 0);
    ask((store) => store.cancel({ namespaceUid: 'full' }));
    assert.deepEqual(together(repeat), ['b1 again as 1'], 'control: with room it runs');
  });
});

function duplicateOf(key: string) {
  return { endpoint: 'take', key, windowMs: 60_000 };
}
