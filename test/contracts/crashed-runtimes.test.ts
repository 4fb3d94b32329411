/** What a process had leased when it died: given back, tried in small company, and alone in the end; innocents live. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultDisk } from '../../src/store/disk-guard.ts';
import { defaultRetention } from '../../src/store/retention.ts';
import { loneRunPath, openLoneMark } from '../../src/store/lone-run.ts';
import type { SqliteStore } from '../../src/store/sqlite-operations.ts';
import { openSqliteStore, type SqliteOwner } from '../../src/store/sqlite-store.ts';
import { settledMs } from '../../src/store/crash-watch.ts';
import { crashLimit, type AppendItem, type Lease, type NewDelivery } from '../../src/store/store.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function item(id: string, deliveries: readonly NewDelivery[], more: Partial<AppendItem> = {}): AppendItem {
  const event = { id, namespaceUid: 'ns-a', type: 'com.acme.test', source: '/test', attributes: '{}', body: text(id) };
  return { event, deliveries, ...more };
}

/** A machine whose clock the test holds, and the engine on it. */
function engineOn(path: string) {
  const clock = { now: 0 };
  const source = { wall: () => Date.UTC(2026, 0, 1) + clock.now, monotonic: () => clock.now };
  const open = (): SqliteOwner => openSqliteStore({ path, retention: defaultRetention, disk: defaultDisk }, source);
  return { clock, open };
}

function ask<Value>(owner: SqliteOwner, run: (store: SqliteStore) => Value): Value {
  const answers: Value[] = [];
  const failed = (error: Error): never => assert.fail(error);
  owner.turn([{ run, done: (value) => answers.push(value as Value), failed }]);
  return answers[0] as Value;
}

/** Leases until the row that kills its process has been leased, or nothing is left; then the process is gone. */
function liveAndDie(
  owner: SqliteOwner,
  clock: { now: number },
  poison: string,
  mark: (running: boolean) => void,
): { done: string[]; ended: Lease[] } {
  const done: string[] = [];
  const ended: Lease[] = [];
  for (;;) {
    const leases = ask(owner, (store) => store.lease([{ destination: 'ns-a/f/trigger:t', max: 8 }], 60_000));
    for (const { receipt, ...lease } of leases.filter(({ crashes }) => crashes >= crashLimit)) {
      ended.push({ receipt, ...lease });
      const ending = { kind: 'dead', reason: 'RuntimeLost', error: '' } as const;
      ask(owner, (store) => store.settle([{ receipt, ending }]));
    }
    const alive = leases.filter(({ crashes }) => crashes < crashLimit);
    if (alive.some(({ crashes }) => crashes >= 2)) assert.equal(leases.length, 1, 'it runs alone');
    if (alive.some(({ event }) => event.id === poison)) {
      mark(true);
      return { done, ended };
    }
    for (const { receipt, event } of alive) {
      ask(owner, (store) => store.settle([{ receipt, ending: { kind: 'done' } }]));
      done.push(event.id);
    }
    const rest = ask(owner, (store) => store.read({ namespaceUid: 'ns-a', states: ['waiting'] }, { limit: 1 }));
    if (rest.length === 0) return { done, ended };
    // What runs alone waits until the process is old enough.
    clock.now += 100;
  }
}

for (const [how, deaths] of [
  ['in the middle of its Lua', 4],
  ['while it waits', 6],
] as const) {
  test(`a row that kills its process ${how} dies after ${deaths} deaths, its neighbours are all done`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'moonhook-crash-'));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, 'store.db');
    const { clock, open } = engineOn(path);
    const filling = open();
    const ids = Array.from({ length: 30 }, (_, index) => `e${index}`);
    ask(filling, (store) => store.append(ids.map((id) => item(id, [{ destination: 'ns-a/f/trigger:t' }]))));
    filling.close();
    const mark = how === 'while it waits' ? () => undefined : openLoneMark(loneRunPath(path));
    const done: string[] = [];
    const ended: Lease[] = [];
    let lives = 0;
    while (done.length + ended.length < ids.length && lives < 20) {
      const owner = open();
      lives += 1;
      const life = liveAndDie(owner, clock, 'e3', mark);
      owner.close();
      done.push(...life.done);
      ended.push(...life.ended);
    }
    assert.deepEqual(
      ended.map(({ event, crashes }) => [event.id, crashes]),
      [['e3', crashLimit]],
    );
    assert.equal(lives, deaths + 1);
    assert.deepEqual(done.toSorted(), ids.filter((id) => id !== 'e3').toSorted());
  });
}

/**
 * One life: leases for as long as it lasts, each call taking 100 ms of which some may be over; answers what was leased at
 * its limit. A closed engine is a dead process: leases are void at the next start.
 */
function live(owner: SqliteOwner, clock: { now: number }, lastsMs: number): number {
  const end = clock.now + lastsMs;
  let lost = 0;
  while (clock.now < end) {
    const leases = ask(owner, (store) => store.lease([{ destination: 'ns-a/f/trigger:t', max: 8 }], 60_000));
    lost += leases.filter(({ crashes }) => crashes >= crashLimit).length;
    clock.now += 100;
    // The process dies in the middle of the last ones.
    if (clock.now >= end) break;
    ask(owner, (store) => store.settle(leases.map(({ receipt }) => ({ receipt, ending: { kind: 'done' } }))));
  }
  owner.close();
  return lost;
}

const soon = Array.from({ length: 15 }, () => 100);
// Every row dies in company twice, then each life ends just when a row runs alone.
const alone = [...soon, ...Array.from({ length: 6 }, () => settledMs + 100)];

for (const [title, lives] of [
  ['soon after each start', soon],
  ['while single rows run alone', alone],
] as const) {
  test(`processes that are killed from outside again and again, ${title}, take no innocent with them`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'moonhook-crash-'));
    t.after(() => rm(folder, { recursive: true }));
    const { clock, open } = engineOn(join(folder, 'store.db'));
    const filling = open();
    const ids = Array.from({ length: 40 }, (_, index) => `e${index}`);
    ask(filling, (store) => store.append(ids.map((id) => item(id, [{ destination: 'ns-a/f/trigger:t' }]))));
    filling.close();
    let lost = 0;
    for (const lastsMs of lives) {
      lost += live(open(), clock, lastsMs);
      // Some time goes by until somebody starts it again.
      clock.now += 10_000;
    }
    assert.equal(lost, 0);
    // Left alone at last, it does everything.
    assert.equal(live(open(), clock, 60_000), 0);
    const after = open();
    t.after(() => after.close());
    const rows = ask(after, (store) => store.read({ namespaceUid: 'ns-a' }, { limit: 100 }));
    assert.equal(rows.filter(({ state }) => state === 'done').length, ids.length);
  });
}
