import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ReusedIds } from './reused-ids.ts';

describe('delivery ids that come again', () => {
  test('are reused only with other content, at the same endpoint', () => {
    const ids = new ReusedIds();
    assert.equal(ids.isReused('shop/hook', 'a-1', 'first'), false);
    assert.equal(ids.isReused('shop/hook', 'a-1', 'first'), false, 'a repetition');
    assert.equal(ids.isReused('shop/other', 'a-1', 'second'), false, 'another endpoint');
    assert.equal(ids.isReused('shop/hook', 'a-2', 'second'), false, 'another id');
    assert.equal(ids.isReused('shop/hook', 'a-1', 'second'), true);
  });

  test('are never taken for others, however many come', () => {
    const ids = new ReusedIds();
    let reused = 0;
    for (let number = 0; number < 100_000; number += 1)
      if (ids.isReused('shop/hook', `delivery-${number}`, `content ${number}`)) reused += 1;
    assert.equal(reused, 0);
  });
});
