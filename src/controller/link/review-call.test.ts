import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeReviews } from './kube-reviews.ts';
import { createCallReviews } from './review-call.ts';

const question = { token: 'any', verb: 'call', namespace: 'team-a', name: 'orders' };
const ada = { authenticated: true, audiences: ['moonhook'], user: { username: 'ada', groups: [], extra: {} } };

function reviewer(reviews: Partial<KubeReviews> = {}) {
  return createCallReviews({
    audience: 'moonhook',
    onTrouble: () => undefined,
    turns: { most: 4, mostOfOne: 2, mostWaiting: 4, mostWaitingOfOne: 1 },
    reviews: {
      reviewToken: async () => ada,
      reviewAccess: async () => ({ allowed: true, reason: '' }),
      ...reviews,
    },
  });
}

test('a token is judged by its audience, its user and his right; an API server without an answer allows nobody', async () => {
  const judge = (reviews: Partial<KubeReviews>) => reviewer(reviews)(question, 'pod');
  assert.deepEqual(await judge({}), { ok: true, body: { kind: 'allowed', user: 'ada' } }, 'control');
  const refused = {
    'of nobody': { reviewToken: async () => ({ authenticated: false }) },
    'of the API server': {
      reviewToken: async () => ({ ...ada, audiences: ['https://kubernetes.default.svc'] }),
    },
    'of an audience that nobody confirmed': {
      reviewToken: async () => ({ authenticated: true, user: ada.user }),
    },
    'without the right': { reviewAccess: async () => ({ allowed: false, reason: '' }) },
    'while the API server is away': { reviewToken: () => Promise.reject(new Error('ECONNREFUSED')) },
    'while rights are not told': { reviewAccess: () => Promise.reject(new Error('ECONNREFUSED')) },
  };
  for (const [what, reviews] of Object.entries(refused)) {
    const said = await judge(reviews);
    assert.doesNotMatch(JSON.stringify(said), /"allowed"/, what);
  }
});

test('a runtime that floods reviews denies them to no other runtime', async () => {
  const open: (() => void)[] = [];
  const review = reviewer({
    reviewToken: () => new Promise((resolve) => open.push(() => resolve(ada))),
  });
  const flood = Array.from({ length: 10 }, () => review(question, 'taken-over'));
  const other = review(question, 'other');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(open.length, 3);
  while (open.length > 0) {
    open.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await other, { ok: true, body: { kind: 'allowed', user: 'ada' } });
  const busy = (await Promise.all(flood)).filter((said) => !said.ok && said.code === 'Busy');
  assert.equal(busy.length, 7);
});
