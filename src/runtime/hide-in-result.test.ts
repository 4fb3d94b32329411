import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallResult, LogLine } from '../lua/types.ts';
import { hideInResult } from './hide-in-result.ts';
import { createHide } from './hide-secrets.ts';

const fn = { hide: createHide(['correct-horse-battery']) };
const usage = { cpuMs: 2, memoryPeakBytes: 0, hostCalls: [], log: [], logTruncated: false };
const said: LogLine = { level: 'info', at: 0, message: 'it is correct-horse-battery' };

/** Each look at it is 5 ms after the one before. */
function steppingClock(): { monotonic(): number } {
  let now = 0;
  return { monotonic: () => (now += 5) };
}

test('the time that masking takes is CPU time of the call, in its log and in its error', () => {
  const logged: CallResult = { kind: 'ok', values: [], usage: { ...usage, log: [said] } };
  const { usage: charged } = hideInResult(logged, fn, steppingClock());
  assert.deepEqual([charged.cpuMs, charged.log[0]?.message], [7, 'it is ***']);
  const failed: CallResult = { kind: 'error', error: { message: said.message }, usage };
  const masked = hideInResult(failed, fn, steppingClock());
  assert.equal(masked.usage.cpuMs, 7);
  assert.ok('error' in masked);
  assert.equal(masked.error.message, 'it is ***');
});

test('a call that said nothing, or whose function has no secret, pays nothing', () => {
  const never = { monotonic: (): number => assert.fail('the clock was read') };
  const quiet: CallResult = { kind: 'ok', values: [], usage };
  assert.equal(hideInResult(quiet, fn, never), quiet);
  const logged: CallResult = { kind: 'ok', values: [], usage: { ...usage, log: [said] } };
  assert.equal(hideInResult(logged, { hide: undefined }, never), logged);
});
