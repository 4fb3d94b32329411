import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { chooseController } from './choose-controller.ts';

const link = (id: string, epoch: number, synced = true) => ({ id, epoch, synced });

suite('chooseController', () => {
  test('the highest epoch wins, whoever was followed', () => {
    assert.equal(chooseController([link('a', 1), link('b', 2), link('c', 0)], 'a', 1), 'b');
  });

  test('one that has not read everything is nobody', () => {
    assert.equal(chooseController([link('a', 1), link('b', 2, false)], 'a', 1), 'a');
    assert.equal(chooseController([link('b', 2, false)], undefined, undefined), undefined);
  });

  test('without the leader a runtime keeps what it has, and takes any table only when it has none', () => {
    assert.equal(chooseController([link('b', 0)], undefined, 3), undefined);
    assert.equal(chooseController([link('b', 2)], undefined, 3), undefined, 'an old leader that still believes');
    assert.equal(chooseController([link('c', 0), link('b', 0)], undefined, undefined), 'b');
    assert.equal(chooseController([link('b', 0), link('c', 0)], 'c', 0), 'c', 'no change without a reason');
    assert.equal(chooseController([], 'a', 1), undefined);
  });
});
