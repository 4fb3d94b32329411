import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ToldHeads } from './told-heads.ts';

const of = (namespaceUid: string, count: number, dueInMs = 0): (readonly [string, number])[] =>
  Array.from({ length: count }, (_, index) => [`${namespaceUid}/f/handler:h${index}`, dueInMs] as const);
const dueOf = (told: ReturnType<ToldHeads['choose']>, namespaceUid: string): readonly string[] =>
  told
    .filter(({ destination, dueInMs }) => dueInMs === 0 && destination.startsWith(`${namespaceUid}/`))
    .map(({ destination }) => destination);

describe('heads that are told', () => {
  test('are all that is due, and of what waits for later the first', () => {
    const told = new ToldHeads().choose([...of('a', 2), ...of('b', 1, -7), ...of('c', 3, 900), ...of('d', 1, 800)]);
    assert.deepEqual(
      told.map(({ destination, dueInMs }) => `${destination} ${dueInMs}`),
      ['a/f/handler:h0 0', 'a/f/handler:h1 0', 'b/f/handler:h0 0', 'd/f/handler:h0 800'],
    );
    assert.deepEqual(new ToldHeads().choose([]), []);
  });

  test('are some at a time of a namespace with very many; the others of it come soon, and nobody else waits for them', () => {
    const heads = new ToldHeads();
    for (let asked = 0; asked < 20; asked += 1) {
      const told = heads.choose([...of('loud', 2_000), ...of('quiet', 40), ...of('later', 1, 5_000)]);
      assert.deepEqual([dueOf(told, 'loud').length, dueOf(told, 'quiet').length], [500, 40]);
      assert.equal(told.at(-1)?.dueInMs, 100);
    }
    const soon = heads.choose([...of('loud', 501), ...of('sooner', 1, 30)]);
    assert.deepEqual(soon.at(-1), { destination: 'sooner/f/handler:h0', dueInMs: 30 });
  });

  test('come round, for each of several askers', () => {
    for (const askers of [1, 2, 5]) {
      const heads = new ToldHeads();
      const told = Array.from({ length: askers }, () => new Set<string>());
      for (let asked = 0; asked < 20 * askers; asked += 1) {
        for (const { destination } of heads.choose(of('loud', 2_000))) told[asked % askers]?.add(destination);
      }
      assert.deepEqual(
        told.map(({ size }) => size),
        told.map(() => 2_000),
      );
    }
  });
});
