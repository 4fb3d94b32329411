import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breakerKey, createBreakers } from './breakers.ts';

function at(): { readonly clock: { now: number }; readonly breakers: ReturnType<typeof createBreakers> } {
  const clock = { now: 1_000_000 };
  return { clock, breakers: createBreakers(() => clock.now) };
}

test('ten failures in a row open it for half a minute, one probe decides', () => {
  const { clock, breakers } = at();
  for (let count = 0; count < 9; count += 1) breakers.report('k', 'failure');
  assert.deepEqual([breakers.waitOf('k'), breakers.open()], [0, []]);
  breakers.report('k', 'failure');
  assert.equal(breakers.waitOf('k'), 30_000);
  assert.deepEqual(breakers.admit('k'), { go: false, waitMs: 30_000 });
  assert.equal(breakers.waitOf('other'), 0);
  clock.now += 30_000;
  assert.deepEqual([breakers.isProbing('k'), breakers.admit('k').go, breakers.admit('k').go], [true, true, false]);
  breakers.report('k', 'failure');
  assert.equal(breakers.waitOf('k'), 60_000);
  clock.now += 60_000;
  assert.equal(breakers.admit('k').go, true);
  breakers.report('k', 'success');
  assert.deepEqual([breakers.waitOf('k'), breakers.isProbing('k'), breakers.open()], [0, false, []]);
});

test('namespaces and ports have breakers of their own', () => {
  const keys = ['http://a.example/x', 'http://a.example/y', 'http://a.example:81/x'].map((url) =>
    breakerKey('ns', url),
  );
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[0], keys[2]);
  assert.notEqual(breakerKey('ns', 'http://a.example/'), breakerKey('other', 'http://a.example/'));
});
