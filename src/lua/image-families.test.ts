import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { testEngine, testLimits, valuesOf } from '../../test/builders/test-engine.ts';
import { ImageFamilies, wholeRuns } from './image-families.ts';
import { applyDelta, type Delta } from './image.ts';
import { heapBase, writableStart } from './layout.ts';

const regionWords = 400;
const bases = [writableStart, heapBase].map((start) => start >>> 2);
const bytesOf = (seed: number): Uint8Array =>
  new Uint8Array(Int32Array.from({ length: regionWords }, (_, at) => seed * 1000 + at).buffer);
const ground = { writable: bytesOf(1), heap: bytesOf(2), heapEnd: heapBase + regionWords * 4 };

/** An image that sets words of all regions; `own` tells functions apart. */
function image(shape: number, own: number): Delta {
  const runs: number[] = [];
  for (const [region, base] of bases.entries()) {
    for (let at = shape; at < regionWords - 8; at += 20) {
      // Of each function another word is as in the ground, and some runs are longer.
      if (at > shape && (at + own) % 60 === 0) continue;
      const length = (at + own) % 60 === 20 ? 3 : 2;
      runs.push(((base + at) << 12) | length);
      for (let word = 0; word < length; word += 1) runs.push(word === 0 && at === shape ? own : region * 7 + word);
    }
  }
  const all = Int32Array.from(runs);
  return {
    runs: all,
    from: 0,
    to: all.length,
    under: undefined,
    tail: undefined,
    heapEnd: ground.heapEnd,
    bytes: all.byteLength,
    movesStill: false,
  };
}

/** All memory of the image. */
function memoryOf(delta: Delta): Int32Array {
  const memory = new Uint8Array(ground.heapEnd);
  const { writable, heap } = delta.under ?? ground;
  memory.set(writable, writableStart);
  memory.set(heap, heapBase);
  const words = new Int32Array(memory.buffer);
  applyDelta(memory, words, ground, delta);
  return words;
}

suite('ImageFamilies', () => {
  test('memory is the same with a family and without, and so is what other threads get', () => {
    const families = new ImageFamilies();
    let reduced = 0;
    for (let own = 1; own <= 60; own += 1) {
      const whole = image(own % 3, own);
      const delta = families.reduce(whole, ground);
      const expected = memoryOf(whole);
      assert.deepEqual(memoryOf(delta), expected);
      const runs = wholeRuns(delta);
      assert.deepEqual(memoryOf({ ...whole, runs, to: runs.length }), expected);
      if (delta === whole) continue;
      reduced += 1;
      assert.ok(delta.bytes < whole.bytes / 2, `${delta.bytes} of ${whole.bytes} bytes`);
      assert.notDeepEqual(memoryOf({ ...delta, under: undefined }), expected, 'control: the family is needed');
      assert.notDeepEqual(memoryOf({ ...delta, to: delta.from }), expected, 'control: what is its own is needed');
    }
    assert.ok(reduced >= 50, `${reduced} of 60 belong to a family`);
  });

  test('an image like no other, one that moves what stands still and one that ends beyond the ground stay whole', () => {
    const families = new ImageFamilies();
    for (const own of [1, 2, 3]) families.reduce(image(0, own), ground);
    assert.notEqual(families.reduce(image(0, 4), ground).under, undefined, 'control: there is a family');
    for (const odd of [
      image(7, 4),
      { ...image(0, 4), movesStill: true },
      { ...image(0, 4), tail: new Uint8Array(64) },
    ]) {
      assert.equal(families.reduce(odd, ground), odd);
    }
  });
});

test('functions that differ in a few words answer each its own, in this engine and in another', async () => {
  const [one, other] = [await testEngine(), await testEngine()];
  const code = (index: number): string =>
    `return function() return { own = ${index}, name = "name-${index % 10}" } end`;
  const answer = (index: number): ReadonlyMap<string, unknown> =>
    new Map<string, unknown>([
      ['own', index],
      ['name', `name-${index % 10}`],
    ]);
  const nothing = { modules: new Map(), env: new Map(), expressions: new Map(), limits: testLimits };
  const revisions: string[] = [];
  for (let index = 0; index < 40; index += 1) revisions.push(await one.load(code(index)));
  const bytes = one.engine.stats().functionImageBytes;
  assert.ok(bytes < 40 * 800, `${bytes} bytes of images`);
  for (let round = 0; round < 3; round += 1) {
    for (const [index, revision] of revisions.entries())
      assert.deepEqual(valuesOf(await one.call(revision)), [answer(index)]);
  }
  for (const [index, revision] of revisions.entries()) {
    const made = one.engine.image(revision);
    assert.ok(made !== undefined);
    const program = { namespaceUid: 'uid-a', namespace: 'a', name: 'fn', code: 'return nothing', revision, ...nothing };
    assert.ok((await other.engine.load(program, made)).ok);
    assert.deepEqual(valuesOf(await other.call(revision)), [answer(index)]);
  }
  await one.engine.close();
  await other.engine.close();
});
