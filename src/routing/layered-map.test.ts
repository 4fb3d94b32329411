import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { differingKeys, LayeredMap } from './layered-map.ts';

const key = fc.integer({ min: 0, max: 150 }).map(String);
const change = fc.tuple(key, fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }));
const sorted = (entries: Iterable<readonly [string, number]>): readonly (readonly [string, number])[] =>
  [...entries].sort(([one], [other]) => (one < other ? -1 : 1));
const steps = fc.array(fc.array(change, { maxLength: 40 }), { maxLength: 20 });

test('it holds what the same changes leave in a plain map, and the maps before it stay as they were', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const plain = new Map<string, number>();
      let map = LayeredMap.of<number>();
      const before: { readonly map: LayeredMap<number>; readonly plain: readonly (readonly [string, number])[] }[] = [];
      for (const changes of all) {
        before.push({ map, plain: [...plain] });
        map = map.with(changes);
        for (const [name, value] of changes) {
          if (value === undefined) plain.delete(name);
          else plain.set(name, value);
        }
        assert.equal(map.size, plain.size);
        for (const name of [...plain.keys(), 'none']) assert.equal(map.get(name), plain.get(name));
      }
      before.push({ map, plain: [...plain] });
      for (const each of before) {
        assert.deepEqual(sorted(each.map), sorted(each.plain));
        for (const other of before) {
          const [one, two] = [new Map(each.plain), new Map(other.plain)];
          const expected = new Set([...one.keys(), ...two.keys()].filter((name) => one.get(name) !== two.get(name)));
          assert.deepEqual(new Set(differingKeys(each.map, other.map)), expected);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('a change keeps the place of its key', () => {
  const map = LayeredMap.of([
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ]);
  assert.deepEqual(
    Array.from(
      map
        .with([['b', 4]])
        .with([['d', 5]])
        .entries(),
    ).flat(),
    ['a', 1, 'b', 4, 'c', 3, 'd', 5],
  );
});

test('of several changes of a key in one step the last one counts', () => {
  const map = LayeredMap.of<number>().with([['a', 1]]);
  const next = map.with([
    ['a', undefined],
    ['a', undefined],
    ['b', 1],
    ['b', undefined],
    ['b', 2],
  ]);
  assert.deepEqual([next.size, [...next]], [1, [['b', 2]]]);
});

test('nothing that is different is the same map', () => {
  const map = LayeredMap.of([['a', 1]]);
  assert.equal(
    map.with([
      ['a', 1],
      ['b', undefined],
    ]),
    map,
  );
});

test('two of one descent are compared by what changed between them, however many they hold', () => {
  const entries = Array.from({ length: 20_000 }, (_, index): [string, number] => [`key ${index}`, index]);
  let map = LayeredMap.of(entries);
  let asked = 0;
  for (let edit = 0; edit < 2_000; edit += 1) {
    const next = map.with([[`key ${edit}`, -1]]);
    asked += [...(next.suspects(map) ?? entries)].length;
    map = next;
  }
  assert.ok(asked / 2_000 < 1_000, `${asked / 2_000} keys were looked at for an edit`);
});
