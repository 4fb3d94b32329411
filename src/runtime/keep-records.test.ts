import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { RecordStore, StoredRecord } from '../store/records.ts';
import type { CallRecord } from './call-record.ts';
import { createRecordKeeper } from './keep-records.ts';

const megabyte = 1024 * 1024;
const said = (namespaceUid: string, bytes: number): CallRecord => ({
  callId: 'c',
  functionUid: `f-${namespaceUid}`,
  namespaceUid,
  outcome: 'error',
  time: 0,
  kind: 'http',
  durationMs: 1,
  log: [{ level: 'info', at: 0, message: 'x'.repeat(bytes) }],
});

suite('records on their way to a store that is slow', () => {
  test('keep some tens of megabytes of logs, all of them small, and are written a few megabytes at a time', async () => {
    const written: (readonly StoredRecord[])[] = [];
    const store: RecordStore = {
      add: async (records) => void written.push(records),
      find: async () => [],
      count: async () => 0,
      trim: async () => undefined,
      purge: async () => undefined,
      close: async () => undefined,
    };
    let dropped = 0;
    const keeper = createRecordKeeper({
      store,
      rooms: { okPerFunction: 1, refusedPerTrigger: 1, unrouted: 1 },
      now: () => 0,
      every: () => () => undefined,
      flush: async () => undefined,
      follow: () => undefined,
      onDropped: (count) => void (dropped += count),
      onError: (error) => assert.fail(error),
    });
    // One text for all: what is counted is what would have come from another thread.
    keeper.add(Array.from({ length: 200 }, () => said('loud', megabyte)));
    keeper.add([said('quiet', megabyte)]);
    await keeper.close();
    const rows = written.flat();
    assert.deepEqual([rows.length, dropped], [201, 0]);
    const whole = (uid: string): number =>
      rows.filter(({ namespaceUid, content }) => namespaceUid === uid && content.length > megabyte).length;
    assert.ok(whole('loud') > 1 && whole('loud') <= 16, `${whole('loud')} logs were kept`);
    assert.equal(whole('quiet'), 1, 'control: who logs little keeps it');
    const bytes = (batch: readonly StoredRecord[]): number =>
      batch.reduce((sum, { content }) => sum + content.length, 0);
    for (const batch of written) assert.ok(bytes(batch) < 4 * megabyte, `${bytes(batch)} bytes at once`);
  });
});
