import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admit, closedBreaker, report, type BreakerState } from './breaker.ts';

function fail(state: BreakerState, times: number, now: number): BreakerState {
  let next = state;
  for (let count = 0; count < times; count++) next = report(next, 'failure', now);
  return next;
}

test('ten failures in a row open the breaker for half a minute', () => {
  assert.equal(fail(closedBreaker, 9, 0).kind, 'closed');
  const open = fail(closedBreaker, 10, 0);
  assert.deepEqual(admit(open, 1000), { state: open, go: false, waitMs: 29_000 });
});

test('half of twenty outcomes within the window open it, spread over windows they do not', () => {
  let state: BreakerState = closedBreaker;
  for (let round = 0; round < 10; round++) state = report(report(state, 'success', 0), 'failure', 0);
  assert.equal(state.kind, 'open');
  state = closedBreaker;
  for (let round = 0; round < 10; round++)
    state = report(report(state, 'success', round * 31_000), 'failure', round * 31_000);
  assert.equal(state.kind, 'closed');
});

test('after the wait one probe goes; others wait for it', () => {
  const probing = admit(fail(closedBreaker, 10, 0), 30_000);
  assert.ok(probing.go);
  assert.equal(admit(probing.state, 30_001).go, false);
  assert.equal(admit(probing.state, 90_000).go, true, 'a probe that never reports does not keep it shut');
});

test('a failed probe doubles the wait up to ten minutes, a good one closes', () => {
  let state = fail(closedBreaker, 10, 0);
  let now = 0;
  const waits: number[] = [];
  for (let round = 0; round < 6; round++) {
    now = state.until;
    state = report(admit(state, now).state, 'failure', now);
    waits.push(state.until - now);
  }
  assert.deepEqual(waits, [60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
  assert.equal(report(admit(state, state.until).state, 'success', state.until).kind, 'closed');
});

test('requests that were on their way when it opened do not keep it open for longer', () => {
  const open = fail(closedBreaker, 10, 0);
  assert.deepEqual(fail(open, 50, 5_000), open);
  // The control: the probe that fails does.
  const probing = admit(open, 30_000).state;
  assert.equal(report(probing, 'failure', 31_000).until, 31_000 + 60_000);
});
