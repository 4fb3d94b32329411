import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RareTotals } from './collect-metrics.ts';

test('names that namespaces choose fill no more than 5,000 series: what is more counts as other', () => {
  const totals = new RareTotals();
  const attempt = (subscription: string): void =>
    totals.add({ metric: 'webhook_attempts_total', labels: ['team-a', subscription, 'done'], count: 1 });
  for (let count = 0; count < 6_000; count += 1) attempt(`s-${count}`);
  attempt('s-7');
  const values = [...totals.values()];
  assert.equal(values.length, 5_001);
  assert.deepEqual(values.at(-1), {
    metric: 'webhook_attempts_total',
    labels: ['other', 'other', 'other'],
    count: 1_000,
  });
  assert.equal(values.find(({ labels }) => labels[1] === 's-7')?.count, 2);
});

test('a namespace that is called other has no more series than any, and leaves those of other metrics alone', () => {
  const totals = new RareTotals();
  for (let count = 0; count < 6_000; count += 1) {
    totals.add({ metric: 'webhook_attempts_total', labels: ['other', `s-${count}`, 'done'], count: 1 });
  }
  totals.add({ metric: 'http_requests_refused_total', labels: ['Overloaded'], count: 3 });
  const values = [...totals.values()];
  assert.equal(values.length, 5_002);
  assert.equal(values.find(({ labels }) => labels.every((label) => label === 'other'))?.count, 1_000);
  assert.deepEqual(values.at(-1), { metric: 'http_requests_refused_total', labels: ['Overloaded'], count: 3 });
});
