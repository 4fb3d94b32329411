import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RareTotals } from './collect-metrics.ts';

test('names that a namespace chooses fill no more than 4,000 series, and those of all 5,000: what is more counts as other', () => {
  const totals = new RareTotals();
  const attempt = (subscription: string, namespace = 'team-a'): void =>
    totals.add({ metric: 'webhook_attempts_total', labels: [namespace, subscription, 'done'], count: 1 });
  for (let count = 0; count < 6_000; count += 1) attempt(`s-${count}`);
  attempt('s-7');
  const values = [...totals.values()];
  assert.equal(values.length, 4_001);
  assert.deepEqual(values.at(-1), {
    metric: 'webhook_attempts_total',
    labels: ['other', 'other', 'other'],
    count: 2_000,
  });
  assert.equal(values.find(({ labels }) => labels[1] === 's-7')?.count, 2);
  attempt('quiet', 'team-b');
  assert.deepEqual([...totals.values()].at(-1)?.labels, ['team-b', 'quiet', 'done']);
  for (let count = 0; count < 6_000; count += 1) attempt('s', `team-${count}`);
  assert.equal([...totals.values()].length, 5_000);
});

test('a namespace that is called other has no more series than any, and leaves those of other metrics alone', () => {
  const totals = new RareTotals();
  for (let count = 0; count < 6_000; count += 1) {
    totals.add({ metric: 'webhook_attempts_total', labels: ['other', `s-${count}`, 'done'], count: 1 });
  }
  totals.add({ metric: 'http_requests_refused_total', labels: ['Overloaded'], count: 3 });
  const values = [...totals.values()];
  assert.equal(values.length, 4_002);
  assert.equal(values.find(({ labels }) => labels.every((label) => label === 'other'))?.count, 2_000);
  assert.deepEqual(values.at(-1), { metric: 'http_requests_refused_total', labels: ['Overloaded'], count: 3 });
});
