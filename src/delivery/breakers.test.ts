import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breakerKey, createBreakers, type Breakers } from './breakers.ts';
import type { KeyValueWrite } from '../store/store.ts';

interface Bench {
  readonly clock: { now: number };
  readonly rows: Map<string, Uint8Array>;
  /** A worker of the process; all hear each other. */
  worker(): Breakers;
  /** Writes what a settle would. */
  put(writes: readonly KeyValueWrite[]): void;
  readonly written: KeyValueWrite[];
}

function at(): Bench {
  const clock = { now: 1_000_000 };
  const rows = new Map<string, Uint8Array>();
  const workers: Breakers[] = [];
  const probes = new Set<string>();
  const written: KeyValueWrite[] = [];
  return {
    clock,
    rows,
    written,
    put(writes) {
      written.push(...writes);
      for (const { scope, key, change } of writes) {
        const place = `${scope.namespaceUid} ${scope.space} ${key}`;
        if (change.kind === 'set') rows.set(place, change.value);
        else rows.delete(place);
      }
    },
    worker() {
      const own: Breakers = createBreakers({
        now: () => clock.now,
        store: {
          get: async ({ namespaceUid, space }, key) => {
            const value = rows.get(`${namespaceUid} ${space} ${key}`);
            return value === undefined ? undefined : { value, version: 1 };
          },
        },
        takeProbe(key) {
          if (probes.has(key)) return undefined;
          probes.add(key);
          return () => void probes.delete(key);
        },
        share(report) {
          for (const other of workers) if (other !== own) other.hear(report);
        },
      });
      workers.push(own);
      return own;
    },
  };
}

const key = breakerKey('ns', 'http://a.example/');

test('ten failures in a row open it for half a minute, one probe decides', () => {
  const { clock, worker } = at();
  const breakers = worker();
  for (let count = 0; count < 9; count += 1) breakers.report(key, 'failure');
  assert.deepEqual([breakers.waitOf(key), breakers.open()], [0, []]);
  breakers.report(key, 'failure');
  assert.equal(breakers.waitOf(key), 30_000);
  assert.deepEqual(breakers.admit(key), { go: false, waitMs: 30_000 });
  assert.equal(breakers.waitOf('ns other.example'), 0);
  clock.now += 30_000;
  const probe = breakers.admit(key);
  assert.deepEqual([breakers.isProbing(key), probe.go, breakers.admit(key).go], [true, true, false]);
  if (probe.go) probe.release();
  breakers.report(key, 'failure');
  assert.equal(breakers.waitOf(key), 60_000);
  clock.now += 60_000;
  assert.equal(breakers.admit(key).go, true);
  breakers.report(key, 'success');
  assert.deepEqual([breakers.waitOf(key), breakers.isProbing(key), breakers.open()], [0, false, []]);
});

test('failures of all workers count together, and only one of them sends the probe', () => {
  const { clock, worker, put } = at();
  const [one, two] = [worker(), worker()];
  for (let count = 0; count < 5; count += 1) {
    put(one.report(key, 'failure'));
    put(two.report(key, 'failure'));
  }
  assert.deepEqual([one.waitOf(key), two.waitOf(key)], [30_000, 30_000]);
  clock.now += 30_000;
  const [first, second] = [one.admit(key), two.admit(key)];
  assert.deepEqual([first.go, second.go], [true, false]);
  put(one.report(key, 'success'));
  if (first.go) first.release();
  assert.deepEqual([one.waitOf(key), two.waitOf(key), two.admit(key).go], [0, 0, true]);
});

test('only transitions are written: opened, opened again, closed', () => {
  const { clock, worker, put, written } = at();
  const breakers = worker();
  put(breakers.report(key, 'success'));
  for (let count = 0; count < 9; count += 1) put(breakers.report(key, 'failure'));
  assert.equal(written.length, 0);
  put(breakers.report(key, 'failure'));
  clock.now += 30_000;
  breakers.admit(key);
  put(breakers.report(key, 'failure'));
  clock.now += 60_000;
  breakers.admit(key);
  put(breakers.report(key, 'success'));
  put(breakers.report(key, 'success'));
  assert.deepEqual(
    written.map(({ change }) => change.kind),
    ['set', 'set', 'delete'],
  );
});

test('after a restart an open breaker is open for as long as it was to be', async () => {
  const { clock, worker, put } = at();
  const before = worker();
  for (let count = 0; count < 10; count += 1) put(before.report(key, 'failure'));
  clock.now += 10_000;
  const after = worker();
  assert.equal(after.waitOf(key), 0, 'it has not looked yet');
  await after.refresh(key);
  assert.equal(after.waitOf(key), 20_000);
  assert.equal(after.refresh(key), undefined, 'known for a while');
  // The control: another namespace that sends to the same host knows nothing of it.
  const other = breakerKey('other', 'http://a.example/');
  await after.refresh(other);
  assert.equal(after.waitOf(other), 0);
});

test('namespaces and ports have breakers of their own', () => {
  const keys = ['http://a.example/x', 'http://a.example/y', 'http://a.example:81/x'].map((url) =>
    breakerKey('ns', url),
  );
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[0], keys[2]);
  assert.notEqual(breakerKey('ns', 'http://a.example/'), breakerKey('other', 'http://a.example/'));
});

test('failing hosts without end are forgotten, those that failed last not first, and what is open stays while it says something', () => {
  const bench = at();
  const worker = bench.worker();
  for (let failure = 0; failure < 10; failure += 1) worker.report(key, 'failure');
  assert.equal(worker.open().length, 1);
  for (let host = 0; host < 30_000; host += 1) {
    if (host % 8_000 === 7_999) bench.clock.now += 61_000;
    worker.report(breakerKey('ns', `http://h${host}.example/`), 'failure');
  }
  const last = breakerKey('ns', 'http://h29999.example/');
  for (let failure = 0; failure < 9; failure += 1) worker.report(last, 'failure');
  assert.deepEqual(
    worker.open().map((breaker) => breaker.key),
    [last],
    'its ten failures were counted, and the old one says nothing any more',
  );
  assert.equal(worker.isProbing(breakerKey('ns', 'http://h0.example/')), false);
});
