/** Schedule triggers run from the table: planned when it is applied, cancelled when they leave it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDestination } from '../../src/delivery/destination.ts';
import { openStore } from '../../src/store/open-store.ts';
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

test('what rested or was gone for a while, or was edited and edited back, has its next slot waiting again', async () => {
  const served = await serveFunctions({ functions: [nightly('0 3 * * *')] });
  const waiting = (): Promise<number> => served.metric('deliveries{state="waiting"}');
  try {
    assert.equal(await waiting(), 1);
    for (const meanwhile of [
      [nightly('0 3 * * *', { suspend: true })],
      [],
      [nightly('30 4 * * *')],
      [nightly('0 3 * * *', { suspend: true })],
    ]) {
      await served.serve(...meanwhile);
      await served.serve(nightly('0 3 * * *'));
      assert.equal(await waiting(), 1);
      assert.equal(new Date(served.runtime.nextScheduleTime(destination) ?? 0).getUTCHours(), 3);
    }
  } finally {
    await served.close();
  }
});

test('edited data are those of the slot that waits', async (t) => {
  const opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
  const served = await serveFunctions({ store: opened, functions: [nightly('0 3 * * *')] });
  t.after(async () => {
    await served.close();
    await opened.close();
  });
  const store = opened.connect();
  const bodies = async (): Promise<readonly string[]> => {
    const rows = await store.read({ namespaceUid: 'ns-default', states: ['waiting', 'held'] }, { limit: 10 });
    const events = await Promise.all(rows.map(({ eventId }) => store.event('ns-default', eventId)));
    return events.map((event) => Buffer.from(event?.body ?? '').toString());
  };
  assert.deepEqual(await bodies(), ['{"depth":7}']);
  const trigger = { name: 'night', schedule: { cron: '0 3 * * *', data: { depth: 8 } } };
  await served.serve(nightly('0 3 * * *', { triggers: [trigger] }));
  assert.deepEqual(await bodies(), ['{"depth":8}']);
});
