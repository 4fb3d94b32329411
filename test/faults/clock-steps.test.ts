/** The clock of the machine steps while a SQLite store is open and between two openings: leases, waits and expiry hold. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultDisk } from '../../src/store/disk-guard.ts';
import { defaultRetention } from '../../src/store/retention.ts';
import type { SqliteStore } from '../../src/store/sqlite-operations.ts';
import { openSqliteStore, type SqliteOwner } from '../../src/store/sqlite-store.ts';

const hour = 3_600_000;
const scope = { namespaceUid: 'ns', space: 'f' };

/** A machine whose two clocks the test holds. */
class Machine {
  #wall = Date.UTC(2026, 0, 31);
  #monotonic = 1000;
  wall = (): number => this.#wall;
  monotonic = (): number => this.#monotonic;
  /** Time passes on both. */
  pass(milliseconds: number): void {
    this.#wall += milliseconds;
    this.#monotonic += milliseconds;
  }
  /** Somebody sets the clock. */
  step(milliseconds: number): void {
    this.#wall += milliseconds;
  }
  restart(): void {
    this.#monotonic = 0;
  }
}

const openAt = (folder: string, machine: Machine): SqliteOwner =>
  openSqliteStore({ path: join(folder, 'store.db'), retention: defaultRetention, disk: defaultDisk }, machine);

function ask<Value>(owner: SqliteOwner, run: (store: SqliteStore) => Value): Value {
  let answer: { readonly value: unknown } | undefined;
  owner.turn([
    {
      run,
      done: (value) => (answer = { value }),
      failed: (error) => {
        throw error;
      },
    },
  ]);
  assert.ok(answer);
  return answer.value as Value;
}

const append = (owner: SqliteOwner, id: string): void =>
  void ask(owner, (store) =>
    store.append([
      {
        event: { id, namespaceUid: 'ns', type: 't', source: '/', attributes: '{}', body: Buffer.from(id) },
        deliveries: [{ destination: 'f' }],
      },
    ]),
  );
const lease = (owner: SqliteOwner, leaseMs = 30_000) =>
  ask(owner, (store) => store.lease([{ destination: 'f', max: 1 }], leaseMs))[0];

for (const step of [hour, -hour]) {
  const direction = step > 0 ? 'forward' : 'back';
  test(`a step ${direction} by an hour while the store is open ends no lease, wait or key early or late`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'moonhook-clock-'));
    t.after(() => rm(folder, { recursive: true }));
    const machine = new Machine();
    const owner = openAt(folder, machine);
    t.after(() => owner.close());
    append(owner, 'e1');
    const running = lease(owner);
    assert.ok(running);
    ask(owner, (store) =>
      store.write([{ scope, key: 'k', change: { kind: 'set', value: Buffer.from('1'), ttlMs: 60_000 } }], []),
    );
    machine.step(step);
    owner.tick();
    assert.equal(lease(owner), undefined, 'somebody has it');
    const wait = { kind: 'retry', delayMs: 10_000, error: '' } as const;
    assert.deepEqual(
      ask(owner, (store) => store.settle([{ receipt: running.receipt, ending: wait }])),
      ['ok'],
    );
    machine.step(step);
    machine.pass(9_990);
    assert.equal(lease(owner), undefined, 'not before its time');
    machine.pass(20);
    const again = lease(owner, 5000);
    assert.equal(again?.attempt, 2);
    assert.ok(ask(owner, (store) => store.get(scope, 'k')));
    machine.pass(50_000);
    owner.tick();
    assert.equal(
      ask(owner, (store) => store.get(scope, 'k')),
      undefined,
      'expired',
    );
    assert.equal(lease(owner)?.crashes, 1, 'its lease has lapsed');
  });

  test(`a step ${direction} by an hour between two openings never takes the store's time back`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'moonhook-clock-'));
    t.after(() => rm(folder, { recursive: true }));
    const machine = new Machine();
    const first = openAt(folder, machine);
    append(first, 'e1');
    const running = lease(first);
    assert.ok(running);
    const wait = { kind: 'retry', delayMs: 10_000, error: '' } as const;
    ask(first, (store) => store.settle([{ receipt: running.receipt, ending: wait }]));
    ask(first, (store) =>
      store.write([{ scope, key: 'k', change: { kind: 'set', value: Buffer.from('1'), ttlMs: 5000 } }], []),
    );
    machine.pass(6000);
    first.tick();
    assert.equal(
      ask(first, (store) => store.get(scope, 'k')),
      undefined,
    );
    first.close();

    machine.step(step);
    machine.restart();
    const second = openAt(folder, machine);
    t.after(() => second.close());
    assert.equal(
      ask(second, (store) => store.get(scope, 'k')),
      undefined,
      'what has expired does not come back',
    );
    if (step > 0) assert.equal(lease(second)?.attempt, 2);
    else {
      assert.equal(lease(second), undefined, 'four seconds are left');
      machine.pass(4010);
      assert.equal(lease(second)?.attempt, 2, 'four seconds, not an hour and four seconds');
    }
  });
}
