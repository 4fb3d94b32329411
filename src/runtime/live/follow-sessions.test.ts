import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallRecord } from '../call-record.ts';
import { createFollowSessions, type FollowQuestion } from './follow-sessions.ts';
import type { LiveView } from './live-view.ts';

/** Followers of everything, and time that passes when the test says so. */
function follow() {
  const listeners = new Set<(record: CallRecord) => void>();
  const timers = new Set<() => void>();
  let made = 0;
  const sessions = createFollowSessions({
    newId: () => `cursor-${made++}`,
    after: (_milliseconds, callback) => {
      timers.add(callback);
      return () => void timers.delete(callback);
    },
  });
  const view = {
    followRecords: (_filter: unknown, listener: (record: CallRecord) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  } as unknown as LiveView;
  const usual = { view, depth: 'outline', filter: {}, cursor: '', waitMs: 10_000 } as const;
  const ask = (question: Partial<FollowQuestion>) =>
    sessions.next({ ...usual, namespaceUid: 'team-a', signal: AbortSignal.abort(), ...question });
  return {
    ask,
    timers,
    listeners,
    close: () => sessions.close(),
    tell(callId: string) {
      for (const listener of listeners) listener({ callId, time: 1, durationMs: 1 } as CallRecord);
    },
  };
}

/** What has come after all that is ready was run: 'waits' while it is open. */
async function soon<T>(promise: Promise<T>): Promise<T | 'waits'> {
  return Promise.race([promise, new Promise<'waits'>((resolve) => setImmediate(resolve, 'waits'))]);
}

test('who follows a thousand times ends his own places, and nobody else’s', async () => {
  const { ask, listeners, close } = follow();
  const { cursor } = await ask({ namespaceUid: 'team-b' });
  const first = await ask({});
  for (let n = 0; n < 1_000; n += 1) await ask({ depth: n % 2 === 0 ? 'logs' : 'full', filter: { id: `${n}` } });
  assert.equal((await ask({ cursor: first.cursor })).gap, true, 'control: places do end');
  assert.equal((await ask({ namespaceUid: 'team-b', cursor })).gap, false);
  assert.equal(listeners.size, 41);
  close();
  assert.equal(listeners.size, 0);
});

test('when all places are taken, one of the namespace that has most ends', async () => {
  const { ask, listeners } = follow();
  const { cursor } = await ask({ namespaceUid: 'alone' });
  const other = await ask({ namespaceUid: 'team-0' });
  for (let n = 0; n < 400; n += 1) await ask({ namespaceUid: `team-${n % 9}` });
  assert.equal((await ask({ namespaceUid: 'alone', cursor })).gap, false);
  assert.equal((await ask({ namespaceUid: 'team-0', cursor: other.cursor })).gap, true, 'control: places do end');
  assert.equal(listeners.size, 200);
});

test('a question whose asker has gone, before or while it waits, ends at once and loses nothing', async () => {
  const { ask, tell, timers } = follow();
  const { cursor } = await ask({});
  assert.deepEqual(await soon(ask({ cursor })), { cursor, calls: [], gap: false });

  const going = new AbortController();
  const waiting = ask({ cursor, signal: going.signal });
  assert.equal(await soon(waiting), 'waits', 'control: nothing has come yet');
  going.abort();
  assert.deepEqual(await soon(waiting), { cursor, calls: [], gap: false });
  assert.equal(timers.size, 1, 'only the one that ends the place is left');

  tell('one');
  const next = await ask({ cursor, signal: new AbortController().signal });
  assert.match(JSON.stringify(next.calls), /"one"/);
});

test('a question waits for the next record, for the end of its time, or for the end of its place', async () => {
  const { ask, tell, timers } = follow();
  const { signal } = new AbortController();
  const { cursor } = await ask({ signal });
  const told = ask({ cursor, signal });
  assert.equal(await soon(told), 'waits');
  tell('one');
  assert.equal((await told).calls.length, 1);

  const timed = ask({ cursor, signal });
  assert.equal(await soon(timed), 'waits');
  for (const ring of timers) ring();
  assert.deepEqual(await timed, { cursor, calls: [], gap: false });

  const ended = ask({ cursor, signal });
  for (let n = 0; n < 41; n += 1) await ask({});
  assert.deepEqual((await ended).calls, []);
  assert.equal((await ask({ cursor })).gap, true);
});
