/** Callers that may call the same function are strangers to each other: none takes the place of another's call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveAct } from '../../src/link/live-questions.ts';
import { openLiveAnswers } from '../../src/runtime/live/open-live-answers.ts';
import { openStore } from '../../src/store/open-store.ts';
import { serveFunctions } from '../builders/serve-functions.ts';

test('a caller who uses the Idempotency-Key of another has a call of its own; control: it repeats that one', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  const served = await serveFunctions({
    store: opened,
    settings: { workers: 1, callAudience: 'moonhook' },
    functions: [{ name: 'orders', namespace: 'team-a', code: 'return { default = function() end }', triggers: [] }],
  });
  const live = openLiveAnswers({
    runtime: served.runtime,
    store: opened.connect(),
    callToken: served.token,
    newId: () => 'id',
    after: () => () => undefined,
    now: () => performance.now(),
    wall: () => Date.now(),
  });
  t.after(async () => {
    await live.close();
    await served.close();
    await opened.close();
  });

  async function repeats(account: string): Promise<boolean> {
    const question: LiveAct = {
      op: 'request',
      namespace: { name: 'team-a', uid: 'ns-team-a' },
      principal: `system:serviceaccount:team-a:${account}`,
      method: 'POST',
      path: '/async-function/team-a/orders',
      headers: [['idempotency-key', 'order-1']],
    };
    const told = JSON.stringify(await live.answer('act', question, AbortSignal.timeout(30_000)));
    assert.match(told, /"status":202/);
    return told.includes('"x-moonhook-duplicate-of"');
  }

  assert.equal(await repeats('one'), false);
  assert.equal(await repeats('two'), false, 'the key belongs to another caller');
  assert.equal(await repeats('one'), true);
  assert.equal(await repeats('two'), true);
});
