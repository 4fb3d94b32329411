import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { QuietRecords, type Shelf } from './quiet-records.ts';

suite('QuietRecords', () => {
  test('keeps the newest of each function, in order', () => {
    const records = new QuietRecords<string>(3, 100);
    for (let index = 0; index < 8; index += 1) records.add('a', () => `a${index}`);
    records.add('b', () => 'b0');
    assert.equal(records.held, 4);
    assert.deepEqual(records.drain(), ['a5', 'a6', 'a7', 'b0']);
    assert.deepEqual([records.held, records.drain()], [0, []]);
    records.add('a', () => 'again');
    assert.deepEqual(records.drain(), ['again']);
  });

  test('gives some of them up at a time, in turns: first of those that have waited longest', () => {
    const records = new QuietRecords<string>(2, 100);
    const add = (uid: string, text: string): void => records.add(uid, () => text);
    for (const uid of ['a', 'b', 'c']) for (const index of [0, 1]) add(uid, `${uid}${index}`);
    assert.deepEqual(records.drain(3), ['a0', 'a1', 'b0', 'b1'], 'what one function has stays together');
    assert.equal(records.held, 2);
    add('a', 'a2');
    assert.deepEqual(records.drain(1), ['c0', 'c1']);
    assert.deepEqual([records.drain(1), records.held], [['a2'], 0]);
  });

  test('a shelf that is remembered is written to until it is emptied, then a new one is', () => {
    const records = new QuietRecords<string>(2, 3);
    const owner = { shelf: undefined as Shelf<string> | undefined };
    const add = (text: string): void => records.add('a', () => text, owner);
    for (let index = 0; index < 3; index += 1) add(`a${index}`);
    const first = owner.shelf;
    assert.ok(first?.oldest !== undefined, 'control: it is remembered');
    assert.deepEqual(records.drain(), ['a1', 'a2']);
    assert.deepEqual([first.oldest, first.others], [undefined, []], 'it keeps nothing alive');
    add('after');
    add('again');
    assert.notEqual(owner.shelf, first);
    assert.deepEqual([records.held, records.drain()], [2, ['after', 'again']]);
    for (let round = 0; round < 9; round += 1) {
      // More functions than places: shelves go, those that are remembered as well.
      for (const other of ['b', 'c', 'd', 'e', 'f']) records.add(other, () => other);
      add(`back ${round}`);
      assert.ok(records.held <= 3);
    }
    add('back');
    assert.ok(records.drain().includes('back'));
  });

  test('a function called often makes room for one called once', () => {
    const records = new QuietRecords<string>(10, 10);
    for (let index = 0; index < 50; index += 1) records.add('often', () => `o${index}`);
    records.add('once', () => 'x');
    for (let index = 50; index < 100; index += 1) records.add('often', () => `o${index}`);
    assert.ok(records.held <= 10);
    const left = records.drain();
    assert.ok(left.includes('x'));
    assert.equal(left.at(-2), 'o99', 'the newest of the other is there as well');
  });

  test('the bound holds however many functions there are, and each keeps its newest', () => {
    const records = new QuietRecords<string>(100, 1000);
    for (let round = 0; round < 40; round += 1) {
      for (let fn = 0; fn < 400; fn += 1) records.add(`f${fn}`, () => `f${fn} ${round}`);
      assert.ok(records.held <= 1000);
    }
    const left = records.drain();
    for (let fn = 0; fn < 400; fn += 1) assert.ok(left.includes(`f${fn} 39`), `f${fn}`);
    assert.ok(left.length >= 800, `${left.length} of 1000 places are used`);
  });

  test('more functions than places: the bound holds', () => {
    const records = new QuietRecords<string>(100, 50);
    for (let fn = 0; fn < 500; fn += 1) records.add(`f${fn}`, () => `${fn}`);
    assert.equal(records.held, 50);
    assert.equal(records.drain().at(-1), '499');
  });
});
