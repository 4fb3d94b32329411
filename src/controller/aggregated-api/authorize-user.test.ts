import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessQuestion } from '../link/kube-reviews.ts';
import { createAuthorizer } from './authorize-user.ts';
import type { Refusal } from './api-status.ts';
import type { ProvedUser } from './front-proxy.ts';

const userOf = (name: string): ProvedUser => ({ name, groups: [], extra: {} });
const turns = { most: 4, mostOfOne: 2, mostWaiting: 8, mostWaitingOfOne: 3 };

/** Reviews that are answered when the test says so: everything is allowed but what is named `secret`. */
function authorizer() {
  const open: { readonly question: AccessQuestion; answer(): void }[] = [];
  let time = 0;
  const authorize = createAuthorizer({
    now: () => time,
    onTrouble: (message) => assert.fail(message),
    turns,
    reviewAccess: (question) =>
      new Promise((resolve) => {
        const answer = (): void => resolve({ allowed: question.name !== 'secret', reason: '' });
        open.push({ question, answer });
      }),
  });
  const ask = (user: string, name: string): Promise<Refusal | undefined> =>
    authorize(userOf(user), { verb: 'get', resource: 'calls', namespace: 'team-a', name });
  return {
    ask,
    asked: () => open.map(({ question }) => `${question.user} ${question.name}`),
    pass: (milliseconds: number) => void (time += milliseconds),
    async answerAll() {
      while (open.length > 0) {
        open.shift()?.answer();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one user’s flood of distinct questions denies nobody else his answer', async () => {
  const { ask, asked, answerAll } = authorizer();
  const flood = Array.from({ length: 50 }, (_, index) => ask('mallory', `any-${index}`));
  const ada = ask('ada', 'mine');
  await soon();
  assert.deepEqual(asked(), ['mallory any-0', 'mallory any-1', 'ada mine']);
  await answerAll();
  assert.equal(await ada, undefined);
  const statuses = (await Promise.all(flood)).map((each) => each?.status);
  assert.equal(statuses.filter((status) => status === 429).length, 50 - turns.mostOfOne - turns.mostWaitingOfOne);
  assert.equal(statuses.filter((status) => status === undefined).length, 5, 'control: the others had their turn');
});

test('ServiceAccounts of one namespace are one asker', async () => {
  const { ask, asked, answerAll } = authorizer();
  const said = ['a', 'b', 'c', 'd'].map((name) => ask(`system:serviceaccount:team-b:${name}`, 'any'));
  said.push(ask('system:serviceaccount:team-a:a', 'any'));
  await soon();
  assert.deepEqual(asked(), [
    'system:serviceaccount:team-b:a any',
    'system:serviceaccount:team-b:b any',
    'system:serviceaccount:team-a:a any',
  ]);
  await answerAll();
  assert.deepEqual(await Promise.all(said), [undefined, undefined, undefined, undefined, undefined]);
});

test('an answer is kept for seconds, for its user and question only, and one question is asked once', async () => {
  const { ask, asked, answerAll, pass } = authorizer();
  const twice = [ask('ada', 'secret'), ask('ada', 'secret')];
  await soon();
  assert.equal(asked().length, 1);
  await answerAll();
  assert.deepEqual(
    (await Promise.all(twice)).map((each) => each?.status),
    [403, 403],
  );
  assert.equal((await ask('ada', 'secret'))?.status, 403);
  void ask('bob', 'secret');
  await soon();
  assert.deepEqual(asked(), ['bob secret']);
  await answerAll();
  pass(5_001);
  void ask('ada', 'secret');
  await soon();
  assert.deepEqual(asked(), ['ada secret']);
  await answerAll();
});
