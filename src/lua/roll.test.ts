import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Roll } from './roll.ts';

const item = (name: string) => ({ name, place: -1 });
const names = (roll: Roll<ReturnType<typeof item>>): readonly string[] =>
  roll
    .all()
    .map(({ name }) => name)
    .sort();

test('who leaves a roll makes room without moving others out', () => {
  const roll = new Roll<ReturnType<typeof item>>();
  const [a, b, c] = [item('a'), item('b'), item('c')];
  for (const each of [a, b, c, a]) roll.add(each);
  assert.equal(roll.size, 3, 'who stands on it already is not added again');
  roll.delete(a);
  roll.delete(a);
  assert.deepEqual([roll.has(a), names(roll)], [false, ['b', 'c']]);
  roll.delete(c);
  roll.add(a);
  assert.deepEqual(names(roll), ['a', 'b']);
  roll.delete(item('b'));
  assert.equal(roll.size, 2, 'one that never stood on it takes nobody out');
});

test('those who were on a roll may leave it while all are gone through', () => {
  const roll = new Roll<ReturnType<typeof item>>();
  for (const name of ['a', 'b', 'c', 'd']) roll.add(item(name));
  const seen = roll.all();
  for (const each of seen) roll.delete(each);
  assert.deepEqual([seen.length, roll.size], [4, 0]);
});

/** The most bytes that the heap grew by while many came and went, 30 at a time, after all that was there had become old. */
function growth(collect: () => void, add: (each: object) => void, remove: (each: object) => void): number {
  const here: object[] = [];
  const come = (): void => {
    const each = { name: Array.from({ length: 200 }, () => here.length), place: -1 };
    add(each);
    here.push(each);
    if (here.length > 30) remove(here.shift() as object);
  };
  for (let count = 0; count < 1_000; count += 1) come();
  collect();
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  for (let count = 0; count < 30_000; count += 1) {
    come();
    if (count % 500 === 0) most = Math.max(most, process.memoryUsage().heapUsed - before);
  }
  return most;
}

test('what has left a roll is young garbage; a set keeps it until the whole heap is collected', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const roll = new Roll<{ place: number }>();
  const set = new Set<object>();
  const ofRoll = growth(
    collect,
    (each) => roll.add(each as { place: number }),
    (each) => roll.delete(each as { place: number }),
  );
  const ofSet = growth(
    collect,
    (each) => set.add(each),
    (each) => set.delete(each),
  );
  assert.ok(ofRoll < ofSet / 4, `${ofRoll} bytes with a roll, ${ofSet} with a set`);
});
