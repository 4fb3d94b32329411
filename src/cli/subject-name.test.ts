import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readId } from './subject-name.ts';

test('an id is taken as `-o name` prints it', () => {
  for (const [text, id] of [
    ['delivery/dlv-7', 'dlv-7'],
    ['call/c0awv6kc4tgsa-2', 'c0awv6kc4tgsa-2'],
    ['dlv-7', 'dlv-7'],
    ['whf/shop/orders', 'whf/shop/orders'],
    ['call/a/b', 'call/a/b'],
  ] as const) {
    assert.equal(readId(text), id);
  }
});
