import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { KnownObject } from '../../link/append-messages.ts';
import type { Look, ObjectView } from './object-view.ts';
import { createPendingChanges } from './pending-changes.ts';
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
  const view: ObjectView = {
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
  return { view, present, looked, pending: createPendingChanges(() => view, 'x') };
}

suite('createPendingChanges', () => {
  test('begins with what differs from the store, and is done when that was told', async () => {
    const { pending } = viewOf([object('same', '1'), object('newer', '2'), object('unknown', '1')]);
    pending.begin([row('same', '1'), row('newer', '1'), row('missing', '1')], false);
    const batch = await pending.take();
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
    const batch = await pending.take();
    assert.deepEqual(batch.puts, [{ kind: 'gone', uid: 'a', object: object('a', '2').text }]);
    pending.giveBack(batch);
    assert.deepEqual((await pending.take()).puts, batch.puts);
  });

  test('under a selector, only what is really gone is called gone', async () => {
    const lives: Look = { kind: 'lives', text: '{"alive":true}' };
    const failure = { ok: false, status: 500, reason: 'InternalError', message: 'broken' } as const;
    const { pending, looked } = viewOf([], { lives, unclear: { kind: 'unknown', failure } });
    pending.begin([row('lives', '1'), row('gone', '1'), row('unclear', '1')], false);
    const batch = await pending.take();
    assert.deepEqual(batch.puts, [
      { kind: 'left', uid: 'lives', object: '{"alive":true}' },
      { kind: 'gone', uid: 'gone' },
    ]);
    assert.equal(batch.failure?.failure.status, 500);
    assert.deepEqual(looked, ['lives', 'gone', 'unclear']);
    pending.told(batch);
    assert.equal(pending.size, 1, 'its fate is asked for again');
  });

  test('after an edit, rows outside go silently, and the rest was there at the start', async () => {
    const { pending, looked } = viewOf([object('kept', '1'), object('new', '1')], {});
    pending.begin([row('kept', '1'), row('outside', '1')], true);
    const batch = await pending.take();
    assert.deepEqual(batch.puts, [
      { kind: 'set', uid: 'new', version: '1', object: object('new', '1').text, baseline: true },
      { kind: 'drop', uid: 'outside' },
    ]);
    assert.deepEqual(looked, []);
  });

  test('an object that came and went before it was told is told with its end', async () => {
    const { pending } = viewOf([]);
    pending.begin([], false);
    pending.touch('brief', object('brief', '5'));
    const batch = await pending.take();
    assert.deepEqual(
      batch.puts.map(({ kind }) => kind),
      ['set', 'gone'],
    );
    pending.told(batch);
    assert.equal((await pending.take()).puts.length, 0);
  });

  test('edited expressions make every row differ', async () => {
    const { pending } = viewOf([object('a', '1')]);
    pending.begin([row('a', '1', 'before')], false);
    const batch = await pending.take();
    assert.deepEqual(
      batch.puts.map(({ kind }) => kind),
      ['set'],
    );
  });
});
