import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeAnswer, parseRetryAfter, type OutgoingAnswer } from './judge-answer.ts';

const answered = (status: number, more: Partial<OutgoingAnswer> = {}): OutgoingAnswer =>
  ({ kind: 'answered', status, excerpt: '', ...more }) as OutgoingAnswer;

test('any 2xx is delivered', () => {
  for (const status of [200, 202, 204]) assert.equal(judgeAnswer(answered(status)).result.kind, 'done');
});

test('408, 409, 425, 429 and 5xx are tried again, with the wait that was asked for', () => {
  for (const status of [408, 409, 425, 429, 500, 503, 599])
    assert.equal(judgeAnswer(answered(status)).result.kind, 'again', String(status));
  const { result } = judgeAnswer(answered(429, { retryAfterMs: 7000 }));
  assert.deepEqual(result, { kind: 'again', error: 'answered 429', retryAfterMs: 7000 });
});

test('410 ends the delivery and the subscription', () => {
  const judged = judgeAnswer(answered(410));
  assert.deepEqual([judged.result.kind, judged.gone], ['dead', true]);
});

test('redirects and other refusals are dead at once and do not open the breaker', () => {
  for (const status of [301, 308, 400, 401, 404]) {
    const judged = judgeAnswer(answered(status));
    assert.deepEqual([judged.result.kind, judged.health], ['dead', 'neutral'], String(status));
  }
});

test('a refusal of the outbound guard is dead with its rule, a broken connection is tried again', () => {
  const guard = judgeAnswer({ kind: 'failed', message: 'loopback addresses are not reachable', refusedByGuard: true });
  assert.deepEqual(guard.result, {
    kind: 'dead',
    reason: 'EgressDenied',
    error: 'loopback addresses are not reachable',
  });
  const passing = { kind: 'failed', message: 'resolves to 10.0.0.1', refusedByGuard: false, byLookup: true } as const;
  const looked = judgeAnswer(passing);
  assert.deepEqual([looked.result.kind, looked.health], ['again', 'neutral'], 'another lookup may answer otherwise');
  const reset = judgeAnswer({ kind: 'failed', message: 'connection reset', refusedByGuard: false });
  assert.deepEqual([reset.result.kind, reset.health], ['again', 'failure']);
});

test('Retry-After is read as seconds or as a date, and nonsense is ignored', () => {
  const now = Date.UTC(2026, 0, 1);
  assert.equal(parseRetryAfter('120', now), 120_000);
  assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000);
  assert.equal(parseRetryAfter('Wed, 31 Dec 2025 00:00:30 GMT', now), 0);
  assert.equal(parseRetryAfter('99999999999', now), 99_999_999_999_000);
  for (const nonsense of ['soon', '', '-1', '-3600', '+5', '1.5', '3000.5', '12 13', 'in 2099', '9'.repeat(400)])
    assert.equal(parseRetryAfter(nonsense, now), undefined, nonsense);
  assert.equal(parseRetryAfter(undefined, now), undefined);
});
