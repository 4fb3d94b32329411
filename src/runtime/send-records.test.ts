import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { CallRecord } from './call-record.ts';
import { createRareCounts } from './rare-counts.ts';
import { recordBounds, RecordBuffer } from './record-buffer.ts';
import { createRecordSender } from './send-records.ts';
import type { FromWorker } from './worker-messages.ts';

const failed = (callId: string): CallRecord => ({ callId, outcome: 'error', time: 0, kind: 'http', durationMs: 1 });

suite('records that cannot wait', () => {
  test('are sent when the last of them were taken, and collect until then', () => {
    const sent: (readonly string[])[] = [];
    const rare = createRareCounts();
    const records = new RecordBuffer({ perFunction: 1, ...recordBounds });
    const sender = createRecordSender(records, rare, (message: FromWorker) => {
      assert.equal(message.kind, 'urgent');
      if (message.kind === 'urgent') sent.push(message.batch.records.map(({ callId }) => callId));
    });
    sender.hurry();
    assert.deepEqual(sent, [], 'there is nothing to say');
    records.add(failed('one'));
    sender.hurry();
    for (const callId of ['two', 'three']) {
      records.add(failed(callId));
      sender.hurry();
    }
    assert.deepEqual(sent, [['one']], 'whoever takes them is busy');
    sender.taken();
    sender.hurry();
    assert.deepEqual(sent, [['one'], ['two', 'three']]);
    sender.taken();
    rare.attempt('done');
    sender.hurry();
    assert.deepEqual(sent.at(-1), [], 'counts go alone as well');
  });
});
