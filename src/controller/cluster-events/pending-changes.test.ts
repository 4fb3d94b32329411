import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KnownObject } from '../../link/append-messages.ts';
import { createClock } from '../clock.ts';
import type { Look, ObjectView } from './object-view.ts';
import { createFates } from './fates.ts';
import { createPendingChanges, type PendingChanges } from './pending-changes.ts';
import type { WatchedText } from './watched-object.ts';

const object = (uid: string, resourceVersion: string): WatchedText => ({
  metadata: { uid, name: `name-${uid}`, namespace: 'team-a', resourceVersion },
  text: `{"uid":"${uid}","at":${resourceVersion}}`,
});
const row = (uid: string, version: string, expressions = 'x'): KnownObject => ({
  uid,
  version,
  name: `name-${uid}`,
  namespace: 'team-a',
  expressions,
});

/** A view that a test edits; under a selector whoever is missing is looked for. */
function viewOf(objects: readonly WatchedText[], looks?: Readonly<Record<string, Look>>) {
  const present = new Map(objects.map((each) => [each.metadata.uid, each]));
  const looked: string[] = [];
  const view: { -readonly [Member in keyof ObjectView]: ObjectView[Member] } = {
    whole: true,
    trouble: undefined,
    find: (uid) => present.get(uid),
    uids: () => present.keys(),
    mayLive: () => looks !== undefined,
    async look({ uid }) {
      looked.push(uid);
      return looks?.[uid] ?? { kind: 'gone' };
    },
    close: () => undefined,
  };
  const news = new Set<string>();
  const fates = createFates({
    look: (placed) => view.look(placed),
    clock: { ...createClock(), sleep: () => new Promise(() => undefined) },
    signal: new AbortController().signal,
    onNews(uid) {
      news.add(uid);
      pending.learned(uid);
    },
    onFault: assert.fail,
  });
  const pending: PendingChanges = createPendingChanges(() => view, fates, 'x');
  /** Resolves when something was said of the fates of so many. */
  const told = async (count: number): Promise<void> => {
    while (news.size < count) await nextTurn();
  };
  return { view, present, looked, fates, told, pending };
}

suite('createPendingChanges', () => {
  test('begins with what differs from the store, and is done when that was told', async () => {
    const { pending } = viewOf([object('same', '1'), object('newer', '2'), object('unknown', '1')]);
    pending.begin([row('same', '1'), row('newer', '1'), row('missing', '1')], false);
    const batch = pending.take();
    assert.deepEqual(batch.puts.map(({ kind, uid }) => `${kind} ${uid}`).toSorted(), [
      'gone missing',
      'set newer',
      'set unknown',
    ]);
    pending.told(batch);
    pending.compare();
    assert.equal(pending.size, 0);
  });

  test('what was not taken stays, with the last state of what was deleted', async () => {
    const { pending, present } = viewOf([object('a', '1')]);
    pending.begin([row('a', '1')], false);
    present.delete('a');
    pending.touch('a', object('a', '2'));
    const batch = pending.take();
    assert.deepEqual(batch.puts, [{ kind: 'gone', uid: 'a', object: object('a', '2').text }]);
    pending.giveBack(batch);
    assert.deepEqual(pending.take().puts, batch.puts);
  });

  test('under a selector, only what is really gone is called gone', async () => {
    const lives: Look = { kind: 'lives', text: '{"alive":true}' };
    const failure = { ok: false, status: 500, reason: 'InternalError', message: 'broken' } as const;
    const { pending, looked, fates, told } = viewOf([], { lives, unclear: { kind: 'unknown', failure } });
    pending.begin([row('lives', '1'), row('gone', '1'), row('unclear', '1')], false);
    assert.deepEqual(pending.take().puts, [], 'they are looked for first');
    await told(3);
    const batch = pending.take();
    assert.deepEqual(batch.puts, [
      { kind: 'left', uid: 'lives', object: '{"alive":true}' },
      { kind: 'gone', uid: 'gone' },
    ]);
    assert.equal(fates.failure?.status, 500);
    assert.deepEqual(looked, ['lives', 'gone', 'unclear']);
    pending.giveBack(batch);
    assert.deepEqual(pending.take().puts, batch.puts, 'what is known is not asked again');
    pending.told(batch);
    pending.compare();
    assert.equal(pending.size, 0, 'the third is asked for until it is known');
  });

  test('an unanswered question about one object holds up no other', async () => {
    const { pending, present, view } = viewOf([object('other', '1')], {});
    let answer = (_look: Look): void => undefined;
    view.look = () => new Promise((resolve) => (answer = resolve));
    pending.begin([row('missing', '1'), row('other', '1')], false);
    assert.equal(pending.take().puts.length, 0);
    present.set('other', object('other', '2'));
    pending.touch('other');
    const batch = pending.take();
    assert.deepEqual(
      batch.puts.map(({ kind, uid }) => `${kind} ${uid}`),
      ['set other'],
    );
    pending.told(batch);
    // What is found out about an object that has come back since counts no more.
    present.set('missing', object('missing', '3'));
    pending.touch('missing');
    answer({ kind: 'gone' });
    await nextTurn();
    assert.deepEqual(
      pending.take().puts.map(({ kind, uid }) => `${kind} ${uid}`),
      ['set missing'],
    );
  });

  test('after an edit, rows outside go silently, and the rest was there at the start', async () => {
    const { pending, looked } = viewOf([object('kept', '1'), object('new', '1')], {});
    pending.begin([row('kept', '1'), row('outside', '1')], true);
    const batch = pending.take();
    assert.deepEqual(batch.puts, [
      { kind: 'drop', uid: 'outside' },
      { kind: 'set', uid: 'new', version: '1', object: object('new', '1').text, baseline: true },
    ]);
    assert.deepEqual(looked, []);
  });

  test('an object that came and went before it was told is told with its end', async () => {
    const { pending } = viewOf([]);
    pending.begin([], false);
    pending.touch('brief', object('brief', '5'));
    const batch = pending.take();
    assert.deepEqual(
      batch.puts.map(({ kind }) => kind),
      ['set', 'gone'],
    );
    pending.told(batch);
    assert.equal(pending.take().puts.length, 0);
  });

  test('edited expressions make every row differ', async () => {
    const { pending } = viewOf([object('a', '1')]);
    pending.begin([row('a', '1', 'before')], false);
    const batch = pending.take();
    assert.deepEqual(
      batch.puts.map(({ kind }) => kind),
      ['set'],
    );
  });
});
