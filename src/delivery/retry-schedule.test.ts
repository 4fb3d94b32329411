import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endAttempt } from './retry-schedule.ts';

const schedule = [5000, 60_000];
const again = { kind: 'again', error: 'boom' } as const;

test('a failed attempt waits as the schedule says, with upward jitter only', () => {
  assert.deepEqual(
    endAttempt(again, 1, schedule, () => 0),
    { kind: 'retry', delayMs: 5000, error: 'boom' },
  );
  const ending = endAttempt(again, 2, schedule, () => 0.999);
  assert.ok(ending.kind === 'retry' && ending.delayMs > 60_000 && ending.delayMs <= 72_000);
});

test('a wish for a longer wait is honoured, a shorter one is not', () => {
  assert.deepEqual(
    endAttempt({ ...again, retryAfterMs: 30_000 }, 1, schedule, () => 0),
    { kind: 'retry', delayMs: 30_000, error: 'boom' },
  );
  assert.deepEqual(
    endAttempt({ ...again, retryAfterMs: 10 }, 1, schedule, () => 0),
    { kind: 'retry', delayMs: 5000, error: 'boom' },
  );
});

test('attempts are the entries and one, then the delivery is dead with the last error', () => {
  assert.deepEqual(
    endAttempt(again, 3, schedule, () => 0),
    { kind: 'dead', reason: 'AttemptsExhausted', error: 'boom' },
  );
  assert.deepEqual(
    endAttempt(again, 1, [], () => 0),
    { kind: 'dead', reason: 'AttemptsExhausted', error: 'boom' },
  );
});

test('what is done or dead is not tried again', () => {
  assert.deepEqual(
    endAttempt({ kind: 'done' }, 1, schedule, () => 0),
    { kind: 'done' },
  );
  const dead = { kind: 'dead', reason: 'Failed', error: 'no use' } as const;
  assert.deepEqual(
    endAttempt(dead, 1, schedule, () => 0),
    dead,
  );
});

test('a wish counts to a day, and any wait is up to a fifth longer', () => {
  const day = 24 * 3_600_000;
  const wait = (retryAfterMs: number, random: number): unknown => {
    const ending = endAttempt({ ...again, retryAfterMs }, 1, schedule, () => random);
    return ending.kind === 'retry' ? ending.delayMs : ending;
  };
  assert.deepEqual(
    [wait(day - 1, 0), wait(day + 1, 0), wait(Infinity, 0), wait(Infinity, 1)],
    [day - 1, day, day, day * 1.2],
  );
});
