import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DeliveryPlaces } from './delivery-places.ts';
import { DueTurns } from './due-turns.ts';

const none: ReadonlyMap<string, number> = new Map();
const due = (destination: string) => ({ destination, dueInMs: 0 });
const of = (namespaceUid: string, count: number) =>
  Array.from({ length: count }, (_, index) => due(`${namespaceUid}/f${index}/trigger:t`));

const places = { free: () => Infinity, take: () => undefined, leave: () => undefined };

function choose(turns: DueTurns, most: number, slots: (destination: string) => number = () => 100) {
  const wishes = turns.choose(most, none, { slots, places });
  const sums = new Map<string, number>();
  for (const { destination, max } of wishes) {
    const [namespaceUid = ''] = destination.split('/');
    sums.set(namespaceUid, (sums.get(namespaceUid) ?? 0) + max);
  }
  return { wishes, sums: Object.fromEntries(sums) };
}

describe('turns of what is due', () => {
  test('go to namespaces first: ten thousand destinations of one get as much as the only one of another', () => {
    const turns = new DueTurns();
    turns.renew([...of('loud', 10_000), ...of('quiet', 1)]);
    assert.deepEqual(choose(turns, 200).sums, { loud: 100, quiet: 100 });
  });

  test('leave what one namespace does not need to those behind it', () => {
    const turns = new DueTurns();
    turns.renew([...of('a', 1), ...of('b', 3), ...of('c', 1)]);
    const slots = (destination: string): number =>
      destination.startsWith('a') ? 2 : destination.startsWith('b') ? 0 : 50;
    assert.deepEqual(choose(turns, 30, slots).sums, { a: 2, c: 28 });
  });

  test('come round: of more namespaces, and of more destinations, than a pull holds each is served', () => {
    const turns = new DueTurns();
    const heads = [...of('x', 40), ...Array.from({ length: 40 }, (_, index) => of(`n${index}`, 1)).flat()];
    const served = new Set<string>();
    for (let pull = 0; pull < 140; pull += 1) {
      // Read anew each time, as it is where all that was wished for was leased.
      turns.renew(heads);
      for (const { destination } of choose(turns, 16).wishes) served.add(destination);
    }
    assert.equal(served.size, heads.length);
  });

  test('ask for free places only until a part is full', () => {
    const turns = new DueTurns();
    turns.renew([...of('a', 10_000), ...of('b', 10_000)]);
    let asked = 0;
    const slots = (): number => {
      asked += 1;
      return 1;
    };
    choose(turns, 16, slots);
    assert.equal(asked, 16);
  });

  test('take no more places than there are, whatever each destination could start alone', () => {
    const turns = new DueTurns();
    turns.renew([...of('a', 5), ...of('b', 5), due('a/-/subscription:s')]);
    const shared = new DeliveryPlaces(10);
    const wishes = turns.choose(200, none, { slots: () => 9, places: shared });
    const calls = wishes.filter(({ destination }) => !destination.includes('/-/'));
    assert.equal(
      calls.reduce((sum, { max }) => sum + max, 0),
      9,
    );
    assert.deepEqual([shared.free('a/f0/trigger:t'), shared.free('c/f0/trigger:t')], [0, 1]);
    assert.deepEqual(wishes.at(-1), { destination: 'a/-/subscription:s', max: 9 }, 'others than those of functions');
    for (const { destination, max } of wishes) shared.leave(destination, max);
    assert.equal(shared.free('a/f0/trigger:t'), 8);
  });

  test('tell when the next head is due, and wish for nothing before', () => {
    const turns = new DueTurns();
    assert.equal(turns.untilNext, Infinity);
    turns.renew([
      { destination: 'a/f/trigger:t', dueInMs: 70 },
      { destination: 'a/g/trigger:t', dueInMs: 30 },
    ]);
    assert.deepEqual([turns.untilNext, choose(turns, 16).wishes], [30, []]);
    turns.renew(of('a', 1));
    assert.equal(turns.untilNext, Infinity);
    assert.equal(choose(turns, 16).sums['a'], 16);
  });
});
