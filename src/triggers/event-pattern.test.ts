import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventIndex } from './event-index.ts';
import { checkEventType, parseEventPattern } from './event-pattern.ts';

function matches(pattern: string, type: string): boolean {
  const parsed = parseEventPattern(pattern);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message);
  const index = new EventIndex<string>();
  index.add(parsed.pattern, pattern);
  return index.match(type).has(pattern);
}

test('a type is compared exactly, a final * stands for one or more parts', () => {
  assert.equal(matches('com.acme.order', 'com.acme.order'), true);
  assert.equal(matches('com.acme.order', 'com.acme.order.created'), false);
  assert.equal(matches('com.acme.order.*', 'com.acme.order.created'), true);
  assert.equal(matches('com.acme.order.*', 'com.acme.order.line.added'), true);
  assert.equal(matches('com.acme.order.*', 'com.acme.order'), false);
  assert.equal(matches('com.acme.order.*', 'com.acme.order.'), false);
  assert.equal(matches('com.acme.order.*', 'com.acme.orders.created'), false);
  assert.equal(matches('*', 'anything'), true);
});

test('patterns that would never match are refused with the reason', () => {
  for (const bad of ['', '.', 'a..b', 'a.', '.*', '*.a', 'a.*.b', 'a*', 'a b', 'a.**', 'x'.repeat(300)]) {
    assert.equal(parseEventPattern(bad).ok, false, bad);
  }
  assert.match(checkEventType('a.*.b') ?? '', /stands alone at the end/);
  assert.equal(checkEventType('com.acme.order'), undefined);
});
