/** What the log is told of calls that were stopped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreFailed } from '../store/store-failed.ts';
import { createStopReport } from './take-steps.ts';

test('of a store that fails the log has a line a second, of a defect each', () => {
  const lines: string[] = [];
  let now = 0;
  const report = createStopReport(
    (message, error) => void lines.push(`${message}: ${(error as Error).message}`),
    () => now,
  );
  const away = new StoreFailed('away');
  for (let call = 0; call < 30; call += 1) {
    report(away, { id: `c${call}` });
    now += 100;
  }
  report(new TypeError('wrong'), { id: 'd1' });
  report(new TypeError('wrong'), { id: 'd2' });
  assert.deepEqual(lines, [
    'the store failed, call c0: away',
    'the store failed, call c10 and 9 before it: away',
    'the store failed, call c20 and 9 before it: away',
    'a defect, call d1: wrong',
    'a defect, call d2: wrong',
  ]);
});
