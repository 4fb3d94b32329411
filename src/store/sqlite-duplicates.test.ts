import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { emptyKeyLog } from './empty-key-log.ts';
import { hashKey } from './duplicate-hash.ts';
import { createDuplicateKeys, type DuplicateKeys } from './sqlite-duplicates.ts';
import { createJournal, type Journal } from './sqlite-journal.ts';
import { openDatabase } from './sqlite-schema.ts';
import { createUsageBook } from './sqlite-usage.ts';
import type { DuplicateKey } from './store.ts';
import { createStoreClock } from './store-clock.ts';

const hour = 3_600_000;
const key = (name: string, windowMs = 72 * hour, endpoint = 'f/t'): DuplicateKey => ({ endpoint, key: name, windowMs });

interface Extent {
  /** Keys known at most. */
  readonly bound: number;
  /** So many in the log move into runs: 1, and each does at once. */
  readonly enough: number;
}

interface Opened {
  readonly keys: DuplicateKeys;
  readonly journal: Journal;
  pass(ms: number): void;
  sql(text: string): Readonly<Record<string, unknown>> | undefined;
  emptyLog(): void;
  /** The same file again, as after a crash. */
  reopen(): Opened;
}

function openAt(path: string, now: { ms: number }, closers: (() => void)[], extent: Extent): Opened {
  const { bound, enough } = extent;
  const database = openDatabase(path);
  // One transaction until it is closed: nobody waits for a sync of each statement.
  database.exec('BEGIN');
  closers.push(() => {
    database.exec('COMMIT');
    database.close();
  });
  const journal = createJournal();
  const clock = createStoreClock({ wall: () => now.ms, monotonic: () => now.ms }, 0);
  const keys = createDuplicateKeys(database, clock, createUsageBook(database, journal), journal, bound, enough);
  const claim: DuplicateKeys['claim'] = (...values) => {
    const known = keys.claim(...values);
    if (enough === 1) keys.write();
    return known;
  };
  return {
    keys: { ...keys, claim },
    journal,
    pass: (ms) => void (now.ms += ms),
    sql: (text) => database.prepare(text).get(),
    emptyLog: () => emptyKeyLog(database),
    reopen() {
      keys.write();
      closers.splice(0).forEach((close) => close());
      return openAt(path, now, closers, extent);
    },
  };
}

function open(t: TestContext, { bound = 1_000_000, enough = 1 }: Partial<Extent> = {}): Opened {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-keys-'));
  const closers: (() => void)[] = [];
  t.after(() => {
    for (const close of closers) close();
    rmSync(folder, { recursive: true });
  });
  return openAt(join(folder, 'store.db'), { ms: 1_750_000_000_000 }, closers, { bound, enough });
}

function drain(keys: DuplicateKeys): void {
  for (let turn = 0; turn < 10_000; turn += 1) if (keys.trim(500) === 0) return;
  assert.fail('trimming has no end');
}

describe('delivery ids', () => {
  test('are known in every run until their window ends, also after a restart', (t) => {
    let store = open(t);
    for (let run = 0; run < 3; run += 1) {
      for (let index = 0; index < 300; index += 1)
        assert.equal(store.keys.claim('ns', key(`${run}-${index}`), `e${run}-${index}`), undefined);
      store.pass(20 * hour);
    }
    const check = (): void => {
      for (let run = 0; run < 3; run += 1)
        assert.equal(store.keys.claim('ns', key(`${run}-7`), 'again'), `e${run}-7`, `run ${run}`);
    };
    check();
    assert.equal(store.sql('SELECT count(*) AS runs FROM duplicate_runs')?.['runs'], 3);
    store = store.reopen();
    check();
    assert.equal(store.keys.count(), 900);
    store.pass(13 * hour);
    assert.equal(store.keys.claim('ns', key('0-7'), 'anew'), undefined, 'its window has ended');
    assert.equal(store.keys.claim('ns', key('0-7'), 'again'), 'anew');
    assert.equal(store.keys.claim('ns', key('1-7'), 'again'), 'e1-7');
    drain(store.keys);
    assert.equal(store.keys.count(), 601, 'the oldest run is gone');
    assert.equal(store.sql('SELECT count(*) AS keys FROM duplicate_keys')?.['keys'], 601);
  });

  test('of short windows do not stay for those of long ones', (t) => {
    const { keys, pass, sql } = open(t);
    for (let index = 0; index < 50; index += 1) {
      keys.claim('ns', key(`long-${index}`), 'e');
      keys.claim('ns', key(`short-${index}`, 60_000, 'g/t'), 'e');
    }
    pass(60_001);
    drain(keys);
    assert.equal(keys.count(), 50);
    assert.equal(sql('SELECT count(*) AS runs FROM duplicate_runs')?.['runs'], 1);
  });

  test('that a turn took back are not known, and what they opened is not there', (t) => {
    const { keys, journal, sql, pass } = open(t);
    keys.claim('ns', key('kept'), 'e1');
    sql('SELECT 1');
    pass(20 * hour);
    journal.clear();
    sql('SAVEPOINT item');
    keys.claim('ns', key('undone'), 'e2');
    assert.equal(sql('SELECT count(*) AS runs FROM duplicate_runs')?.['runs'], 2);
    sql('ROLLBACK TO item');
    journal.rollback(0);
    assert.equal(keys.count(), 1);
    assert.equal(keys.claim('ns', key('undone'), 'e3'), undefined);
    assert.equal(keys.claim('ns', key('undone'), 'e4'), 'e3');
    assert.equal(keys.claim('ns', key('kept'), 'e4'), 'e1');
  });

  test('of a database of before are known, and go at their time', (t) => {
    let store = open(t);
    const old = hashKey('ns', key('old')).toString('hex');
    const expires = 1_750_000_000_000 + hour;
    store.sql(`INSERT INTO endpoints (id, name, scope, keys) VALUES (1, x'00', 0, 1)`);
    store.sql(`INSERT INTO duplicates (key, event, endpoint, expires) VALUES (x'${old}', 'e0', 1, ${expires})`);
    for (const table of ['duplicate_keys', 'duplicate_runs', 'duplicate_log']) store.sql(`DROP TABLE ${table}`);
    store.sql('PRAGMA user_version = 3');
    store = store.reopen();
    assert.equal(store.sql('PRAGMA user_version')?.['user_version'], 7);
    assert.equal(store.keys.claim('ns', key('old'), 'again'), 'e0');
    assert.equal(store.keys.claim('ns', key('new'), 'e1'), undefined);
    store.pass(hour + 1);
    drain(store.keys);
    assert.equal(store.keys.count(), 1);
    assert.equal(store.keys.claim('ns', key('old'), 'e2'), undefined);
    assert.equal(store.keys.claim('ns', key('old'), 'again'), 'e2');
  });

  test('above the bound: the oldest of whoever has most go, and nobody else loses one', (t) => {
    const { keys, pass } = open(t, { bound: 2000 });
    for (let index = 0; index < 100; index += 1) keys.claim('ns', key(`quiet-${index}`, 72 * hour, 'quiet'), 'e');
    for (let index = 0; index < 6000; index += 1) {
      if (index % 10 === 0) pass(1000);
      keys.claim('ns', key(`loud-${index}`, 72 * hour, 'loud'), `e${index}`);
    }
    drain(keys);
    assert.equal(keys.count(), 2000);
    const known = (name: string, endpoint: string): boolean =>
      keys.claim('ns', key(name, 72 * hour, endpoint), 'again') !== undefined;
    for (let index = 0; index < 100; index += 1) assert.ok(known(`quiet-${index}`, 'quiet'));
    for (let index = 5500; index < 6000; index += 1) assert.ok(known(`loud-${index}`, 'loud'), `${index} is new`);
    for (let index = 0; index < 3500; index += 1) assert.ok(!known(`loud-${index}`, 'loud'), `${index} is old`);
  });

  test('above the bound: a namespace that spreads its ids over many endpoints loses its own, not those of a neighbour', (t) => {
    const { keys, pass } = open(t, { bound: 2000 });
    const busy = (index: number): DuplicateKey => key(`busy-${index}`, 72 * hour, 'busy');
    for (let index = 0; index < 300; index += 1) keys.claim('neighbour', busy(index), 'e');
    pass(1000);
    for (let index = 0; index < 4000; index += 1) keys.claim('ns', key(`${index}`, 72 * hour, `${index % 100}`), 'e');
    drain(keys);
    assert.equal(keys.count(), 2000, 'control: ids had to go, and no endpoint of the others has as many as this one');
    for (let index = 0; index < 300; index += 1) assert.equal(keys.claim('neighbour', busy(index), 'again'), 'e');
  });

  test('above the bound: runs that are emptied go, and their filters with them, long before their windows end', (t) => {
    const { keys, pass, sql } = open(t, { bound: 100 });
    for (let run = 0; run < 3; run += 1) {
      for (let index = 0; index < 2000; index += 1) {
        keys.claim('ns', key(`${run}-${index}`, 72 * hour, 'loud'), 'e');
        if (index < 5) keys.claim('ns', key(`${run}-${index}`, 72 * hour, run === 1 ? 'quiet' : 'loud'), 'e');
      }
      pass(19 * hour);
    }
    drain(keys);
    assert.equal(keys.count(), 100);
    const rows = (what: string) => sql(`SELECT ${what} AS found FROM duplicate_runs`)?.['found'];
    assert.equal(rows('count(*)'), 2, 'one was emptied');
    assert.equal(rows('max(length(filter))'), 64, 'of the other older one five keys are left');
    for (let index = 0; index < 5; index += 1)
      assert.equal(keys.claim('ns', key(`1-${index}`, 72 * hour, 'quiet'), 'again'), 'e');
  });

  test('above the bound over many runs: the oldest runs lose theirs, and nobody else does', (t) => {
    const { keys, pass, sql } = open(t, { bound: 1000 });
    const long = 8 * 24 * hour;
    for (let run = 0; run < 10; run += 1) {
      keys.claim('ns', key(`quiet-${run}`, long, 'quiet'), 'e');
      for (let index = 0; index < 200; index += 1) keys.claim('ns', key(`${run}-${index}`, long, 'loud'), 'e');
      if (run % 2 === 1) pass(25 * hour);
      keys.claim('ns', key(`short-${run}`, 2 ** (20 + run), `short-${run}`), 'e');
    }
    assert.ok(Number(sql('SELECT count(*) AS runs FROM duplicate_runs')?.['runs']) >= 8);
    drain(keys);
    assert.ok(keys.count() <= 1000);
    const known = (name: string, endpoint: string): boolean =>
      keys.claim('ns', key(name, long, endpoint), 'again') !== undefined;
    for (let index = 0; index < 200; index += 1) assert.ok(known(`9-${index}`, 'loud'), `${index} of the newest`);
    for (let run = 4; run < 10; run += 1) assert.ok(known(`quiet-${run}`, 'quiet'), `quiet ${run}`);
    assert.ok(!known('0-0', 'loud'));
  });

  test('of a namespace that is gone are forgotten in every run', (t) => {
    const { keys, pass, sql } = open(t);
    for (let run = 0; run < 2; run += 1) {
      for (let index = 0; index < 5000; index += 1) {
        keys.claim('gone', key(`${run}-${index}`), 'e');
        if (index % 10 === 0) keys.claim('stays', key(`${run}-${index}`), 'e');
      }
      pass(20 * hour);
    }
    const scope = Number(sql("SELECT id FROM scopes WHERE uid = 'gone'")?.['id']);
    let turns = 0;
    while (keys.forget(scope, 500) > 0) assert.ok((turns += 1) < 1000);
    assert.equal(keys.count(), 1000);
    assert.equal(sql('SELECT count(*) AS keys FROM duplicate_keys')?.['keys'], 1000);
    assert.equal(keys.claim('stays', key('0-0'), 'again'), 'e');
  });

  test('of a database of version 5 are known, also those of the run that was being written', (t) => {
    let store = open(t);
    for (let index = 0; index < 300; index += 1) store.keys.claim('ns', key(`${index}`), `e${index}`);
    store.sql('DROP TABLE duplicate_log');
    store.sql('PRAGMA user_version = 5');
    store = store.reopen();
    for (let index = 0; index < 300; index += 1)
      assert.equal(store.keys.claim('ns', key(`${index}`), 'again'), `e${index}`);
    assert.equal(store.keys.claim('ns', key('new'), 'e'), undefined);
    assert.equal(store.keys.count(), 301);
  });
});

describe('delivery ids in the log', () => {
  const rowsOf = (store: Opened, table: string): number =>
    Number(store.sql(`SELECT count(*) AS n FROM ${table}`)?.['n']);

  /** A turn as the store has it: undone as a whole, or kept. */
  function turn(store: Opened, work: () => void, kept = true): void {
    store.sql('SAVEPOINT turn');
    work();
    store.keys.write();
    if (!kept) {
      store.sql('ROLLBACK TO turn');
      store.journal.rollback(0);
    }
    store.sql('RELEASE turn');
    store.journal.clear();
  }

  test('are one row for each turn, and move in the order of their keys when there are enough', (t) => {
    const store = open(t, { enough: 1000 });
    let made = 0;
    const claim = (count: number): void => {
      for (let index = 0; index < count; index += 1) store.keys.claim('ns', key(`${made}`), `e${made++}`);
    };
    for (let index = 0; index < 9; index += 1) turn(store, () => claim(100));
    assert.deepEqual([rowsOf(store, 'duplicate_log'), rowsOf(store, 'duplicate_keys')], [9, 0]);
    turn(store, () => claim(100));
    assert.equal(rowsOf(store, 'duplicate_keys'), 200, 'twice as many as came');
    const [first, last] = ['min', 'max'].map(
      (which) => store.sql(`SELECT ${which}(key) AS k FROM duplicate_keys`)?.['k'],
    );
    assert.ok((last as Uint8Array)[0]! - (first as Uint8Array)[0]! < 100, 'a fifth of all keys, side by side');
    for (let index = 0; index < 4; index += 1) turn(store, () => claim(100));
    assert.deepEqual([rowsOf(store, 'duplicate_log'), rowsOf(store, 'duplicate_keys')], [5, 1000]);
    for (let index = 0; index < made; index += 1)
      assert.equal(store.keys.claim('ns', key(`${index}`), 'again'), `e${index}`);
    assert.equal(store.keys.count(), made);
  });

  test('are what a plain map of them would be, whatever is undone, trimmed or started again in between', (t) => {
    let store = open(t, { enough: 600 });
    const random = numbersFrom(7);
    const model = new Map<string, { event: string; until: number }>();
    let [now, made] = [0, 0];
    let moved = 0;
    for (let round = 0; round < 400; round += 1) {
      const kept = random() > 0.15;
      const before = new Map(model);
      turn(
        store,
        () => {
          for (let each = 0; each < 20; each += 1) {
            const name = `${Math.floor(random() * 1500)}`;
            const known = model.get(name);
            const expected = known !== undefined && known.until > now ? known.event : undefined;
            const windowMs = random() < 0.3 ? hour : 10 * hour;
            made += 1;
            assert.equal(
              store.keys.claim('ns', key(name, windowMs), `e${made}`),
              expected,
              `${name} in round ${round}`,
            );
            if (expected === undefined) model.set(name, { event: `e${made}`, until: now + windowMs });
          }
        },
        kept,
      );
      if (!kept) {
        model.clear();
        for (const [name, known] of before) model.set(name, known);
      }
      if (random() < 0.2) turn(store, () => store.keys.trim(50), random() > 0.3);
      if (random() < 0.1) store = store.reopen();
      const pause = Math.floor(random() * (hour / 5));
      now += pause;
      store.pass(pause);
      moved = Math.max(moved, rowsOf(store, 'duplicate_keys'));
      assert.ok(store.keys.count() >= [...model.values()].filter(({ until }) => until > now).length);
    }
    assert.ok(moved > 300, 'keys moved meanwhile');
    store.pass(11 * hour);
    for (let index = 0; index < 200; index += 1) turn(store, () => store.keys.trim(500));
    assert.equal(store.keys.count(), 0, 'each was counted once');
    assert.equal(rowsOf(store, 'endpoints'), 0);
  });

  test('above the bound: the oldest of whoever has most go, and nobody else loses one', (t) => {
    let store = open(t, { bound: 500, enough: 100_000 });
    turn(store, () => {
      for (let index = 0; index < 50; index += 1) store.keys.claim('ns', key(`${index}`, 72 * hour, 'quiet'), 'e');
      for (let index = 0; index < 2000; index += 1) store.keys.claim('ns', key(`${index}`, 72 * hour, 'loud'), 'e');
    });
    turn(store, () => drain(store.keys));
    store = store.reopen();
    assert.equal(store.keys.count(), 500);
    const known = (name: number, endpoint: string): boolean =>
      store.keys.claim('ns', key(`${name}`, 72 * hour, endpoint), 'again') !== undefined;
    for (let index = 0; index < 50; index += 1) assert.ok(known(index, 'quiet'));
    for (let index = 1550; index < 2000; index += 1) assert.ok(known(index, 'loud'), `${index} is new`);
    assert.ok(!known(1549, 'loud'));
  });

  test('of a namespace that is gone are forgotten, also while they move', (t) => {
    const store = open(t, { enough: 1000 });
    turn(store, () => {
      for (let index = 0; index < 1000; index += 1) {
        store.keys.claim('gone', key(`${index}`), 'e');
        if (index % 10 === 0) store.keys.claim('stays', key(`${index}`), 'e');
      }
    });
    turn(store, () => void store.keys.claim('gone', key('last'), 'e'));
    const scope = Number(store.sql("SELECT id FROM scopes WHERE uid = 'gone'")?.['id']);
    const left = { keys: 1, turns: 0 };
    while (left.keys > 0) {
      turn(store, () => void (left.keys = store.keys.forget(scope, 90)));
      assert.ok((left.turns += 1) < 1000);
    }
    assert.equal(store.keys.count(), 100);
    assert.equal(store.reopen().keys.claim('stays', key('10'), 'again'), 'e');
  });

  test('are with all others for whoever reads the tables of a database that is not in use', (t) => {
    const store = open(t, { enough: 100 });
    for (let round = 0; round < 3; round += 1)
      turn(store, () => {
        for (let index = 0; index < 50; index += 1) store.keys.claim('ns', key(`${round}-${index}`), 'e');
      });
    assert.ok(rowsOf(store, 'duplicate_log') > 0);
    store.sql('COMMIT');
    store.emptyLog();
    store.sql('BEGIN');
    assert.deepEqual([rowsOf(store, 'duplicate_log'), rowsOf(store, 'duplicate_keys')], [0, 150]);
    const again = store.reopen();
    assert.equal(again.keys.claim('ns', key('2-49'), 'again'), 'e');
    assert.equal(again.keys.count(), 150);
  });
});

/** Numbers from 0 to 1, the same in each run. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
