import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFunctionCaches } from './cache-store.ts';

test('a value lives until its time is over', () => {
  let now = 0;
  const cache = createFunctionCaches({ now: () => now }).cacheFor('ns', 'f');
  cache.write('k', 'v', 1000);
  assert.deepEqual(cache.read('k'), { value: 'v' });
  now = 1000;
  assert.equal(cache.read('k'), undefined);
});

test('namespaces and functions do not see each other', () => {
  const caches = createFunctionCaches({ now: () => 0 });
  caches.cacheFor('ns', 'f').write('k', 1, 1000);
  for (const [namespaceUid, name] of [
    ['ns', 'g'],
    ['other', 'f'],
    ['ns","f', ''],
  ] as const) {
    assert.equal(caches.cacheFor(namespaceUid, name).read('k'), undefined);
  }
  assert.deepEqual(caches.cacheFor('ns', 'f').read('k'), { value: 1 });
});

test('the oldest values go first, per function and in all', () => {
  const caches = createFunctionCaches({ now: () => 0, maxBytesPerFunction: 3_000, maxBytes: 5_000 });
  const one = caches.cacheFor('ns', 'one');
  for (const key of ['a', 'b', 'c']) one.write(key, 'x'.repeat(500), 1000);
  assert.equal(one.read('a'), undefined);
  assert.ok(one.read('c'));
  one.write('huge', 'x'.repeat(5_000), 1000);
  assert.equal(one.read('huge'), undefined);
  const two = caches.cacheFor('ns', 'two');
  for (const key of ['d', 'e']) two.write(key, 'x'.repeat(500), 1000);
  const three = caches.cacheFor('ns', 'three');
  for (const key of ['f', 'g']) three.write(key, 'x'.repeat(500), 1000);
  assert.ok(caches.bytes <= 5_000);
  assert.equal(one.read('c'), undefined);
  assert.ok(three.read('g'));
});

test('a namespace that fills the whole cache through many functions pushes out its own values only', () => {
  const caches = createFunctionCaches({ now: () => 0, maxBytesPerFunction: 50_000, maxBytes: 200_000 });
  const victim = caches.cacheFor('victim', 'f');
  for (let index = 0; index < 20; index += 1) victim.write(`key ${index}`, 'x'.repeat(1_000), 1000);
  const flood = (namespace: (index: number) => string): void => {
    for (let index = 0; index < 2_000; index += 1) {
      caches.cacheFor(namespace(index), `f${index % 100}`).write(`key ${index}`, 'x'.repeat(1_000), 1000);
    }
  };
  const left = (): number =>
    Array.from({ length: 20 }, (_, index) => victim.read(`key ${index}`)).filter(Boolean).length;
  flood(() => 'hostile');
  assert.equal(left(), 20);
  assert.ok(caches.bytes <= 200_000 && caches.bytes > 190_000, String(caches.bytes));
  flood(() => 'victim');
  assert.ok(left() < 20, 'control: its own functions do push them out');
  assert.ok(caches.bytes <= 200_000);
});

test('one loads, the others wait until it has ended', async () => {
  const cache = createFunctionCaches({ now: () => 0 }).cacheFor('ns', 'f');
  const [first, second] = [{}, {}];
  assert.equal(cache.claim('k', first), undefined);
  const waiting = cache.claim('k', second);
  assert.ok(waiting instanceof Promise);
  assert.equal(cache.claim('other', second), undefined);
  cache.release('k', first);
  await waiting;
  assert.equal(cache.claim('k', second), undefined);
});

test('a call gives back its own claim only, however late it ends', () => {
  const cache = createFunctionCaches({ now: () => 0 }).cacheFor('ns', 'f');
  const [first, second, third] = [{}, {}, {}];
  assert.equal(cache.claim('k', first), undefined);
  cache.release('k', first);
  assert.equal(cache.claim('k', second), undefined);
  cache.release('k', first);
  assert.ok(cache.claim('k', third) instanceof Promise, 'the second one still loads');
  cache.release('k', second);
  assert.equal(cache.claim('k', third), undefined, 'control: its own release ends it');
});
