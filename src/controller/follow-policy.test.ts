import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy, type InstallationPolicy } from '../policy/installation-policy.ts';
import { manualClock } from '../../test/builders/manual-clock.ts';
import { followPolicy } from './follow-policy.ts';

test('a new text is taken once, a wrong one is told once and changes nothing', async () => {
  const clock = manualClock();
  const ending = new AbortController();
  const policyOf = (host: string): InstallationPolicy => defaultPolicy(`https://${host}`);
  let reading: Parameters<typeof followPolicy>[0] extends { read(): infer Reading } ? Reading : never;
  reading = { ok: true, text: 'one', policy: policyOf('one') };
  const told: string[] = [];
  const first = { text: 'one', policy: policyOf('one') };
  const followed = followPolicy({
    first,
    read: () => reading,
    clock,
    signal: ending.signal,
    onChange: () => told.push('changed'),
    onMistakes: (mistakes) => told.push(...mistakes),
  });
  await clock.pass(10_000);
  assert.equal(followed.current(), first.policy);
  assert.equal(followed.refused(), false);
  const second = policyOf('two');
  reading = { ok: true, text: 'two', policy: second };
  await clock.pass(10_000);
  reading = { ok: false, text: 'three', mistakes: ['hosts: wrong'] };
  await clock.pass(10_000);
  assert.equal(followed.current(), second);
  assert.equal(followed.refused(), true);
  reading = { ok: true, text: 'two', policy: second };
  await clock.pass(10_000);
  assert.equal(followed.refused(), false);
  assert.deepEqual(told, ['changed', 'hosts: wrong', 'changed']);
  ending.abort();
});
