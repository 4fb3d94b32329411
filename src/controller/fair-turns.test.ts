import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFairTurns } from './fair-turns.ts';

const limits = { most: 4, mostOfOne: 2, mostWaiting: 10, mostWaitingOfOne: 5 };

/** Askers that come, in the order in which they are let in. */
function queue() {
  const turns = createFairTurns(limits);
  const going: { readonly name: string; readonly end: () => void }[] = [];
  const order: string[] = [];
  let refused = 0;
  const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    order,
    refused: () => refused,
    async come(name: string, times = 1) {
      for (let n = 0; n < times; n += 1) {
        void turns.take(name).then((end) => {
          if (end === undefined) refused += 1;
          else {
            order.push(name);
            going.push({ name, end });
          }
        });
      }
      await tick();
    },
    async end(name: string) {
      const index = going.findIndex((each) => each.name === name);
      assert.ok(index >= 0, `${name} has no turn`);
      going.splice(index, 1)[0]?.end();
      await tick();
    },
  };
}

test('one asker has so many turns and places at most, and the others go on', async () => {
  const { come, order, refused } = queue();
  await come('flood', 20);
  assert.deepEqual(order, ['flood', 'flood']);
  assert.equal(refused(), 20 - limits.mostOfOne - limits.mostWaitingOfOne);
  await come('ada');
  assert.deepEqual(order, ['flood', 'flood', 'ada']);
});

test('who waits is let in asker by asker, however many each has waiting', async () => {
  const { come, end, order } = queue();
  await come('one', 5);
  await come('two', 5);
  await come('ada');
  assert.deepEqual(order, ['one', 'one', 'two', 'two'], 'control: all turns are taken');
  await end('one');
  assert.equal(order.at(-1), 'one');
  await end('two');
  assert.equal(order.at(-1), 'two');
  await end('one');
  assert.equal(order.at(-1), 'ada');
});

test('all that wait are bounded together, and a turn that ends makes room', async () => {
  const { come, end, refused } = queue();
  for (const name of ['one', 'two']) await come(name, 7);
  assert.equal(refused(), 0);
  await come('three');
  assert.equal(refused(), 1);
  await end('one');
  await come('three');
  assert.equal(refused(), 1);
});
