import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeAnswer, type OutgoingAnswer } from './judge-answer.ts';
import { judgePermission, permissionHeaders, slowerRate } from './permission.ts';

const origin = 'eventemitter.example.com';
const answered = (status: number, headers: Readonly<Record<string, string>> = {}): OutgoingAnswer => ({
  kind: 'answered',
  status,
  excerpt: '',
  headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
});
const allowed = (name: string, rate?: string): OutgoingAnswer =>
  answered(200, { 'webhook-allowed-origin': name, ...(rate === undefined ? {} : { 'webhook-allowed-rate': rate }) });

test('the question names the origin, and the rate in requests a minute', () => {
  assert.deepEqual(permissionHeaders(origin, undefined), [['webhook-request-origin', origin]]);
  assert.deepEqual(permissionHeaders(origin, { requests: 2, perMs: 1000 })[1], ['webhook-request-rate', '120']);
  assert.deepEqual(permissionHeaders(origin, { requests: 1, perMs: 3_600_000 })[1], ['webhook-request-rate', '1']);
});

test('the origin or a star is consent, with the rate that the receiver sets', () => {
  assert.deepEqual(judgePermission(allowed(origin), origin), { granted: true });
  assert.deepEqual(judgePermission(allowed(origin.toUpperCase(), '*'), origin), { granted: true });
  assert.deepEqual(judgePermission(allowed('*', '100'), origin), {
    granted: true,
    rate: { requests: 100, perMs: 60_000 },
  });
});

test('everything else is none, and the attempt is tried again without blaming the host', () => {
  for (const [answer, error] of [
    [answered(200), /answered 200 without WebHook-Allowed-Origin/],
    [answered(204, { allow: 'POST' }), /without WebHook-Allowed-Origin/],
    [answered(405), /answered 405 without/],
    [answered(302, { 'webhook-allowed-origin': origin }), /answered 302 without/],
    [allowed('other.example.com'), /another origin than eventemitter\.example\.com/],
    [allowed('', '5'), /another origin/],
    [allowed(origin, '0'), /a rate that is neither/],
    [allowed(origin, '-5'), /a rate that is neither/],
    [allowed(origin, 'many'), /a rate that is neither/],
  ] as const) {
    const permission = judgePermission(answer, origin);
    assert.ok(!permission.granted);
    const { result, health, gone } = judgeAnswer(permission.answer);
    assert.deepEqual([result.kind, health, gone], ['again', 'neutral', false]);
    assert.match('error' in result ? result.error : '', error);
  }
});

test('410, 429 and 5xx mean what they mean for a delivery', () => {
  const judged = (status: number): ReturnType<typeof judgeAnswer> => {
    const permission = judgePermission(answered(status), origin);
    assert.ok(!permission.granted);
    return judgeAnswer(permission.answer);
  };
  assert.equal(judged(410).gone, true);
  assert.deepEqual([judged(503).health, judged(503).result.kind], ['failure', 'again']);
  const { result } = judged(429);
  assert.equal('error' in result && result.error, 'asked whether events may be sent, answered 429');
});

test('of two rates the slower one counts', () => {
  const slow = { requests: 100, perMs: 60_000 };
  const quick = { requests: 2, perMs: 1000 };
  assert.equal(slowerRate(slow, quick), slow);
  assert.equal(slowerRate(quick, slow), slow);
  assert.equal(slowerRate(undefined, slow), slow);
  assert.equal(slowerRate(quick, undefined), quick);
  assert.equal(slowerRate(undefined, undefined), undefined);
});
