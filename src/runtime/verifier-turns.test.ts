import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { VerifierTurns } from './verifier-turns.ts';

const limits = { running: 2, waiting: 6, waitingPerAddress: 4 };

suite('VerifierTurns', () => {
  /** Notes in which order waiting ones have their turn. */
  function queue(turns: VerifierTurns): { readonly order: string[]; ask(address: string): string } {
    const order: string[] = [];
    return {
      order,
      ask(address) {
        const turn = turns.take('f', address);
        if (turn instanceof Promise) void turn.then(() => order.push(address));
        return turn instanceof Promise ? 'waits' : turn ? 'runs' : 'refused';
      },
    };
  }

  test('some run, some wait, the rest is refused; each function has its own', () => {
    const turns = new VerifierTurns(limits);
    const { ask } = queue(turns);
    assert.deepEqual(
      Array.from({ length: 8 }, () => ask('a')),
      ['runs', 'runs', 'waits', 'waits', 'waits', 'waits', 'refused', 'refused'],
    );
    assert.equal(turns.take('g', 'a'), true);
  });

  test('addresses take turns, and one alone cannot fill the queue', async () => {
    const turns = new VerifierTurns(limits);
    const { ask, order } = queue(turns);
    for (let index = 0; index < 10; index += 1) ask('flood');
    assert.equal(ask('sender'), 'waits');
    for (let index = 0; index < 3; index += 1) turns.end('f');
    await Promise.resolve();
    assert.deepEqual(order, ['flood', 'sender', 'flood']);
    assert.equal(ask('sender'), 'waits', 'the place of one that runs is free');
  });

  test('every turn comes back', async () => {
    const turns = new VerifierTurns(limits);
    const { ask, order } = queue(turns);
    for (let index = 0; index < 6; index += 1) ask(`address ${index % 2}`);
    for (let index = 0; index < 6; index += 1) turns.end('f');
    await Promise.resolve();
    assert.equal(order.length, 4);
    assert.deepEqual(['a', 'b', 'c'].map(ask), ['runs', 'runs', 'waits']);
  });
});
