import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createCallerReviews, judgeClaims, type ReviewQuestion, type ReviewVerdict } from './review-caller.ts';

const jwt = (claims: unknown): string =>
  ['{}', JSON.stringify(claims), 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.');
const good = jwt({ aud: ['moonhook'], exp: 2_000 });
const question: ReviewQuestion = { token: good, verb: 'call', namespace: 'team-a', name: 'hook' };

function reviews(answer: (asked: ReviewQuestion) => ReviewVerdict | Promise<ReviewVerdict>) {
  const clock = { now: 0, monotonic: () => clock.now, wall: () => 1_000_000 };
  const asked: ReviewQuestion[] = [];
  const made = createCallerReviews({
    audience: 'moonhook',
    clock,
    ask: async (each) => {
      asked.push(each);
      return answer(each);
    },
  });
  return { ...made, clock, asked };
}

suite('createCallerReviews', () => {
  test('a verdict, good or bad, holds ten seconds for this token, verb, namespace and name', async () => {
    for (const verdict of [
      { kind: 'allowed', user: 'jane' },
      { kind: 'forbidden', reason: 'no' },
    ] as const) {
      const { review, clock, asked } = reviews(() => verdict);
      assert.deepEqual(await review(question), verdict);
      clock.now = 9_999;
      assert.deepEqual(review(question), verdict, 'known, without a promise');
      const others = [{ name: 'other' }, { namespace: 'team-b' }, { verb: 'publish' as const }];
      for (const other of others) await review({ ...question, ...other });
      await review({ ...question, token: jwt({ aud: 'moonhook', exp: 2_000, other: true }) });
      assert.equal(asked.length, 5);
      clock.now = 10_001;
      await review(question);
      assert.equal(asked.length, 6);
    }
  });

  test('that nobody could judge is not remembered', async () => {
    const { review, asked } = reviews(() => ({ kind: 'away', reason: 'no link' }));
    await review(question);
    await review(question);
    assert.equal(asked.length, 2);
  });

  test('equal questions share one review, and too many at once are told to come again', async () => {
    const waiting = Promise.withResolvers<ReviewVerdict>();
    const { review, asked } = reviews(() => waiting.promise);
    const same = [review(question), review(question)];
    assert.equal(asked.length, 1);
    for (let count = 0; count < 63; count += 1) void review({ ...question, name: `hook-${count}` });
    const verdict = review({ ...question, name: 'one-too-many' });
    assert.ok(!(verdict instanceof Promise) && verdict.kind === 'away');
    assert.equal(asked.length, 64);
    waiting.resolve({ kind: 'allowed', user: 'jane' });
    for (const each of same) assert.deepEqual(await each, { kind: 'allowed', user: 'jane' });
  });

  test('tokens for somebody else never leave the runtime', () => {
    const { review, asked } = reviews(() => ({ kind: 'allowed', user: 'jane' }));
    const tokens = [
      jwt({ aud: ['https://kubernetes.default.svc'], exp: 2_000 }),
      jwt({ exp: 2_000 }),
      jwt({ aud: 'moonhook', exp: 999 }),
      jwt(null),
      'opaque',
      'a.b',
      `${good}${'x'.repeat(20_000)}`,
    ];
    for (const token of tokens) {
      const verdict = review({ ...question, token });
      assert.ok(!(verdict instanceof Promise) && verdict.kind === 'unauthorized');
      assert.ok(!verdict.reason.includes(token));
    }
    assert.equal(asked.length, 0);
  });
});

test('judgeClaims says how to get a token that fits', () => {
  assert.match(judgeClaims(jwt({ aud: 'api' }), 'moonhook', 0) ?? '', /kubectl create token NAME --audience moonhook/);
  assert.equal(judgeClaims(good, 'moonhook', 0), undefined);
});
