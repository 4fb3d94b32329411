import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { UnreadAnswers } from './unread-answers.ts';

suite('UnreadAnswers', () => {
  function holder(perAddress: number, total: number) {
    const unread = new UnreadAnswers(perAddress, total);
    const given: string[] = [];
    return {
      given,
      add(address: string, name: string, bytes: number) {
        const answer = { left: bytes };
        const end = unread.add({ address, left: () => answer.left, giveUp: () => given.push(name) });
        return Object.assign(answer, { end });
      },
    };
  }

  test('gives up the largest answer of an address that holds too much, and nobody else’s', () => {
    const { add, given } = holder(100, 1000);
    add('a', 'small', 30);
    add('b', 'other', 90);
    add('a', 'large', 60);
    assert.deepEqual(given, []);
    add('a', 'more', 20);
    assert.deepEqual(given, ['large']);
  });

  test('above the cap for all, whoever holds most pays', () => {
    const { add, given } = holder(100, 250);
    add('reader', 'honest', 10);
    for (const address of ['a', 'b', 'c']) {
      add(address, `${address}-1`, 50);
      add(address, `${address}-2`, 40);
    }
    assert.deepEqual(given, ['a-1']);
  });

  test('what was taken meanwhile counts no more', () => {
    const { add, given } = holder(100, 1000);
    const first = add('a', 'first', 90);
    first.left = 5;
    add('a', 'second', 90);
    assert.deepEqual(given, []);
    add('a', 'third', 30);
    assert.deepEqual(given, ['second'], 'control: what was not taken does');
  });

  test('an answer that has ended is forgotten, once', () => {
    const { add, given } = holder(100, 1000);
    for (let index = 0; index < 1000; index += 1) {
      const answer = add('a', 'ended', 90);
      answer.end();
      answer.end();
    }
    const last = add('a', 'last', 100);
    assert.deepEqual(given, []);
    add('a', 'too much', 1);
    assert.deepEqual(given, ['last']);
    last.end();
    add('a', 'again', 99);
    assert.deepEqual(given, ['last']);
  });
});
