/** Schedule triggers run from the table: planned when it is applied, cancelled when they leave it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDestination } from '../../src/delivery/destination.ts';
import { serveFunctions } from '../builders/serve-functions.ts';

const nightly = (cron: string, more: object = {}) => ({
  name: 'nightly',
  code: 'return function(event) log.info(event.name .. " " .. event.data.depth .. " " .. event.data.scheduledTime) end',
  triggers: [{ name: 'night', schedule: { cron, data: { depth: 7 } } }],
  ...more,
});
const destination = formatDestination({
  namespaceUid: 'ns-default',
  functionName: 'nightly',
  target: { trigger: 'night' },
});

test('a schedule knows its next time, follows edits, and ends with its function or its suspension', async () => {
  const served = await serveFunctions({ functions: [nightly('0 3 * * *')] });
  try {
    const next = served.runtime.nextScheduleTime(destination) ?? 0;
    assert.equal(new Date(next).getUTCHours(), 3);
    assert.ok(next > Date.now());
    await served.serve(nightly('30 4 * * *'));
    assert.equal(new Date(served.runtime.nextScheduleTime(destination) ?? 0).getUTCMinutes(), 30);
    assert.equal(await served.metric('deliveries{state="waiting"}'), 1, 'only the slot of the edited schedule waits');
    await served.serve(nightly('30 4 * * *', { suspend: true }));
    assert.equal(served.runtime.nextScheduleTime(destination), undefined);
    await served.serve();
    assert.equal(await served.metric('deliveries{state="waiting"}'), 0);
  } finally {
    await served.close();
  }
});
