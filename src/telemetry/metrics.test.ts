import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createMetrics } from './metrics.ts';

suite('createMetrics', () => {
  test('each scrape gathers anew; histograms are cumulative', async () => {
    let value = 1;
    const metrics = createMetrics((sample) => {
      sample.set('functions', value);
      sample.histogram('apply_to_programmed_seconds', [0.1, 1], [2, 3, value], 4.5);
    });
    const first = await metrics.render();
    assert.match(first, /^# TYPE moonhook_functions gauge\nmoonhook_functions 1$/m);
    assert.match(first, /moonhook_apply_to_programmed_seconds_bucket\{le="0.1"\} 2/);
    assert.match(first, /moonhook_apply_to_programmed_seconds_bucket\{le="1"\} 5/);
    assert.match(first, /moonhook_apply_to_programmed_seconds_bucket\{le="\+Inf"\} 6/);
    assert.match(first, /moonhook_apply_to_programmed_seconds_sum 4.5/);
    assert.match(first, /moonhook_apply_to_programmed_seconds_count 6/);
    value = 7;
    const second = await metrics.render();
    assert.match(second, /^moonhook_functions 7$/m);
    assert.doesNotMatch(second, /^moonhook_functions 1$/m);
  });

  test('label values are quoted as Prometheus wants them', async () => {
    const metrics = createMetrics((sample) => {
      sample.set('function_invocations_total', 1, {
        namespace: 'a"b\\c\nd',
        function: 'f',
        trigger: 't',
        outcome: 'ok',
      });
    });
    assert.match(await metrics.render(), /namespace="a\\"b\\\\c\\nd"/);
  });
});
