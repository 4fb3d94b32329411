import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliveryRow, type PlainDelivery } from './delivery-lines.ts';

const error = `the receiver answered 500 with ${'a long story '.repeat(12)}that ends here`;
const dead: PlainDelivery = {
  metadata: { name: 'dlv-1', namespace: 'team-a', creationTimestamp: '2026-01-01T00:00:00.000Z' },
  event: { id: 'e1', type: 'com.acme.test' },
  to: { kind: 'WebhookSubscription', name: 'orders' },
  state: 'dead',
  generation: 0,
  attempts: 3,
  reason: 'AttemptsExhausted',
  error,
};

test('a long error is cut on a terminal only: what reads a pipe gets all of it', () => {
  const why = (width: 'terminal' | 'whole' | 'wide'): string | undefined =>
    deliveryRow(dead, Date.parse('2026-01-01T00:01:00Z'), width).at(-1);
  assert.match(why('terminal') ?? '', /^AttemptsExhausted: the receiver .{1,60}…$/);
  assert.equal(why('whole'), `AttemptsExhausted: ${error}`);
  assert.equal(why('wide'), `AttemptsExhausted: ${error}`);
});
