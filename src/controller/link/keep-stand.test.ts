import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepStand } from './keep-stand.ts';

/** A replica with the clock in the test's hand. */
function open(epoch: number) {
  const leadership = { leading: true, epoch };
  const listeners = new Set<() => void>();
  let timers: (() => void)[] = [];
  const stand = keepStand({
    controller: 'one',
    source: { current: () => undefined, subscribe: () => () => undefined },
    leadership: {
      get leading() {
        return leadership.leading;
      },
      get epoch() {
        return leadership.epoch;
      },
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    clock: {
      after(_milliseconds, callback) {
        timers.push(callback);
        return () => (timers = timers.filter((each) => each !== callback));
      },
    },
    log: { warn: () => undefined },
    outrankedMs: 30_000,
    onChanged: () => undefined,
  });
  return {
    stand,
    epoch: () => stand.now().epoch,
    begun: () => timers.length,
    /** Half a minute. */
    pass(): void {
      const due = timers;
      timers = [];
      for (const each of due) each();
    },
    elect(leading: boolean, own: number): void {
      Object.assign(leadership, { leading, epoch: own });
      for (const listener of listeners) listener();
    },
  };
}

test('a leader goes above what runtimes serve, once, after a while', () => {
  const { stand, epoch, pass } = open(2);
  for (const runtime of ['a', 'b', 'c']) stand.heard(runtime, 9);
  assert.equal(epoch(), 2);
  pass();
  assert.equal(epoch(), 10);
  pass();
  assert.equal(epoch(), 10);
});

test('a runtime that says it again and again does not put it off', () => {
  const { stand, epoch, begun, pass } = open(2);
  stand.heard('honest', 9);
  for (let index = 0; index < 50; index += 1) stand.heard('hostile', 10 + index);
  assert.equal(begun(), 1);
  pass();
  assert.equal(epoch(), 60);
});

test('a replica that is elected after it heard of a higher one goes above it, too', () => {
  const { stand, epoch, pass, elect } = open(0);
  elect(false, 0);
  stand.heard('a', 9);
  stand.heard('a', 12);
  pass();
  assert.equal(epoch(), 0);
  elect(true, 1);
  pass();
  assert.equal(epoch(), 13);
});

test('one runtime cannot use up the numbers, whatever it says; what most serve is believed', () => {
  const { stand, epoch, pass, elect } = open(3);
  const honest = ['a', 'b', 'c'];
  for (const runtime of honest) stand.heard(runtime, 3);
  for (const said of [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 2 ** 52]) {
    stand.heard('hostile', said);
    pass();
    assert.equal(epoch(), 3, `${said}`);
  }
  stand.heard('hostile', 900_000);
  pass();
  stand.heard('hostile', 1_800_000);
  pass();
  assert.equal(epoch(), 1_800_001, 'what is near is gone above');
  for (const runtime of honest) stand.heard(runtime, epoch());
  elect(true, 4);
  const other = open(4);
  for (const runtime of honest) other.stand.heard(runtime, 1_800_001);
  other.stand.heard('hostile', Number.MAX_SAFE_INTEGER);
  other.pass();
  assert.equal(other.epoch(), 1_800_002, 'the next leader is followed');
});

test('what a runtime said that has left counts no more', () => {
  const { stand, epoch, pass } = open(2);
  stand.heard('a', 9);
  stand.left('a');
  pass();
  assert.equal(epoch(), 2);
});
