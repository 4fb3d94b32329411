import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCaughtEvents } from './caught-events.ts';
import type { CaughtEvent } from './catch-in-worker.ts';

function start() {
  let now = 0;
  let look = (): void => assert.fail('nothing is looked at');
  const told: (readonly string[])[] = [];
  const caught = createCaughtEvents({
    now: () => now,
    every: (_milliseconds, callback) => {
      look = callback;
      return () => undefined;
    },
    tell: (uids) => void told.push(uids),
  });
  const pass = (milliseconds: number): void => {
    now += milliseconds;
    look();
  };
  return { caught, told, pass };
}

const event = (functionUid: string, id: string, bytes = 10): CaughtEvent => ({
  functionUid,
  id,
  time: 0,
  type: 'x',
  attributes: {},
  body: new Uint8Array(bytes),
  bodyBytes: bytes,
});

test('events are kept only of functions that are looked at, and forgotten when nobody looks any more', () => {
  const { caught, told, pass } = start();
  caught.add(event('one', 'before'));
  assert.deepEqual(caught.look('one', 'team'), []);
  caught.add(event('one', 'a'));
  caught.add(event('two', 'b'));
  pass(20_000);
  assert.deepEqual(
    caught.look('one', 'team')?.map(({ id }) => id),
    ['a'],
  );
  pass(20_000);
  assert.deepEqual(caught.wanted(), ['one']);
  pass(20_000);
  assert.deepEqual(caught.wanted(), []);
  assert.deepEqual(told, [['one'], []]);
  caught.add(event('one', 'late'));
  assert.deepEqual(caught.look('one', 'team'), []);
  caught.end('one');
  assert.deepEqual(caught.wanted(), []);
});

test('the newest few are kept, within a bound of bytes', () => {
  const { caught } = start();
  caught.look('one', 'team');
  for (let index = 0; index < 30; index += 1) caught.add(event('one', String(index)));
  const ids = (): readonly string[] => caught.look('one', 'team')?.map(({ id }) => id) ?? [];
  assert.equal(ids().length, 20);
  assert.equal(ids()[0], '29');
  for (let index = 0; index < 20; index += 1) caught.add(event('one', `large ${index}`, 64 * 1024));
  assert.equal(ids().length, 7);
  assert.equal(ids()[0], 'large 19');
});

test('a namespace takes no more than its share of the places, and there are few', () => {
  const { caught } = start();
  for (let index = 0; index < 4; index += 1) assert.deepEqual(caught.look(`a${index}`, 'greedy'), []);
  assert.equal(caught.look('a4', 'greedy'), undefined);
  for (let index = 0; index < 12; index += 1) assert.deepEqual(caught.look(`b${index}`, `team-${index}`), []);
  // Whoever has most makes room, with what was asked for the longest time ago.
  assert.deepEqual(caught.look('c', 'late'), []);
  assert.deepEqual(caught.wanted().includes('a0'), false);
  assert.equal(caught.look('a0', 'greedy'), undefined, 'it has more than others still');
});

test('four namespaces cannot keep the others out, and sixteen share the places one by one', () => {
  const { caught } = start();
  for (let index = 0; index < 16; index += 1) caught.look(`a${index}`, `greedy-${index % 4}`);
  assert.equal(caught.wanted().length, 16);
  for (let index = 0; index < 12; index += 1) assert.deepEqual(caught.look(`b${index}`, `team-${index}`), []);
  assert.equal(caught.wanted().length, 16);
  for (const rest of [0, 1, 2, 3]) {
    const kept = caught.wanted().filter((uid) => uid.startsWith('a') && Number(uid.slice(1)) % 4 === rest);
    assert.equal(kept.length, 1, `greedy-${rest} keeps one`);
  }
  assert.equal(caught.look('c', 'one too many'), undefined);
  caught.end('b0');
  assert.deepEqual(caught.look('c', 'one too many'), []);
});
