import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { testEngine, valuesOf } from '../../test/builders/test-engine.ts';
import type { Delta } from './image.ts';
import { ImageShelf, takeFromShelf } from './image-shelf.ts';

const image = (words: number, first: number, more: Partial<Delta> = {}): Delta => ({
  runs: Int32Array.from({ length: words }, (_, at) => first + at),
  from: 0,
  to: words,
  under: undefined,
  tail: undefined,
  heapEnd: 0,
  bytes: words * 4,
  movesStill: false,
  ...more,
});

suite('ImageShelf', () => {
  test('gives back each of many images as it was', () => {
    const shelf = new ImageShelf();
    // More than one piece of memory holds.
    const placed = Array.from({ length: 1500 }, (_, index) => shelf.place(image(200 + (index % 100), index * 1000)));
    assert.ok(new Set(placed.map(({ runs }) => runs)).size > 1, 'control: they do not all fit into one piece');
    placed.forEach((delta, index) => {
      assert.deepEqual(takeFromShelf(delta), image(200 + (index % 100), index * 1000));
    });
  });

  test('leaves large images and those that end beyond the ground where they are', () => {
    for (const odd of [image(1000, 0), image(10, 0, { tail: new Uint8Array(64) })]) {
      assert.equal(ImageShelf.takes(odd), false);
      assert.deepEqual(takeFromShelf(odd), odd);
      assert.equal(takeFromShelf(odd).runs, odd.runs);
    }
  });
});

test('functions keep their images while others come and go by the thousand', async () => {
  const { engine, load, call } = await testEngine();
  const code = (text: string): string => `return function() return "${text}" end`;
  const staying = [];
  const answer = async (revision: string): Promise<unknown> => valuesOf(await call(revision));
  for (let index = 0; index < 10; index += 1) staying.push(await load(code(`stays ${index}`)));
  for (let round = 0; round < 4500; round += 1) engine.unload(await load(code(`goes ${round}`)));
  for (const [index, revision] of staying.entries()) assert.deepEqual(await answer(revision), [`stays ${index}`]);
  assert.ok(engine.stats().functionImageBytes < 100_000);
  await engine.close();
});
