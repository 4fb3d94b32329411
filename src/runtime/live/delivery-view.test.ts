import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tellDelivery, type DeliveryView } from './delivery-view.ts';

const delivery = (parts: Partial<DeliveryView>): DeliveryView => ({
  apiVersion: 'run.moonhook.dev/v1alpha1',
  kind: 'Delivery',
  metadata: { name: 'dlv-7', namespace: 'team-a', creationTimestamp: '2026-01-31T12:00:00.000Z' },
  event: { id: 'e-1', type: 'com.acme.order' },
  to: { kind: 'WebhookFunction', name: 'job', trigger: 'push' },
  state: 'waiting',
  generation: 0,
  attempts: 0,
  crashes: 0,
  ...parts,
});
const now = Date.parse('2026-01-31T12:00:10.000Z');

test('what ends by a rule of the function says which kind of rule, and what ran says nothing of rules', () => {
  const ended = '2026-01-31T12:00:05.000Z';
  assert.deepEqual(tellDelivery(delivery({ state: 'superseded', ended }), now), [
    'delivery dlv-7 to team-a/job trigger push: superseded',
    '  not tried yet',
    '  a newer event of its key, or a later slot of its schedule, took its place',
    `  ended superseded at ${ended}`,
  ]);
  assert.match(
    tellDelivery(delivery({ state: 'filtered', ended }), now).join('\n'),
    /turned away by the filter, or as/,
  );
  assert.doesNotMatch(tellDelivery(delivery({ state: 'done', ended }), now).join('\n'), /turned away|took its place/);
});

test('what is due says what keeps it, or that nothing does', () => {
  const due = '2026-01-31T12:00:00.000Z';
  assert.match(tellDelivery(delivery({ due }), now).join('\n'), /: waiting\n.*\n {2}due now$/);
  const kept = tellDelivery(delivery({ due, waitsFor: 'its rate: 1 in 60 s' }), now).join('\n');
  assert.match(kept, /: waiting\n.*\n {2}waits: its rate: 1 in 60 s$/);
  const turn = tellDelivery(delivery({ state: 'leased', waitsFor: 'its turn: limits hold it back' }), now).join('\n');
  assert.match(turn, /: about to run\n/);
});
