import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkEventType, matchEvent, parseEventPattern } from './event-pattern.ts';

function matches(pattern: string, type: string, wantedSource?: string, source = '/shop'): boolean {
  const parsed = parseEventPattern(pattern);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message);
  return matchEvent(parsed.pattern, wantedSource, { type, source }).matched;
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

test('a source narrows, and the reason names what differs', () => {
  assert.equal(matches('a.b', 'a.b', '/shop'), true);
  assert.equal(matches('a.b', 'a.b', '/other'), false);
  assert.deepEqual(matchEvent({ text: 'a' }, '/other', { type: 'a', source: '/shop' }), {
    matched: false,
    reason: 'its source /shop is not /other',
  });
});

test('patterns that would never match are refused with the reason', () => {
  for (const bad of ['', '.', 'a..b', 'a.', '.*', '*.a', 'a.*.b', 'a*', 'a b', 'a.**', 'x'.repeat(300)]) {
    assert.equal(parseEventPattern(bad).ok, false, bad);
  }
  assert.match(checkEventType('a.*.b') ?? '', /stands alone at the end/);
  assert.equal(checkEventType('com.acme.order'), undefined);
});
