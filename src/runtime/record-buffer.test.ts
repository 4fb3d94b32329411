import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Outcome } from '../telemetry/call-outcomes.ts';
import type { CallRecord } from './call-record.ts';
import { RecordBuffer } from './record-buffer.ts';

const record = (callId: string, outcome: Outcome, functionUid = 'u1', more: Partial<CallRecord> = {}): CallRecord => ({
  callId,
  outcome,
  functionUid,
  time: 0,
  kind: 'http',
  durationMs: 1,
  ...more,
});
const all = (buffer: RecordBuffer): readonly CallRecord[] => [...buffer.takeAll(100)].flatMap(({ records }) => records);
const ids = (records: readonly CallRecord[]): string[] => records.map(({ callId }) => callId);

suite('RecordBuffer', () => {
  test('sends failures and records with log lines soon, quiet ones only when asked', () => {
    const buffer = new RecordBuffer({ perFunction: 2, maxUrgent: 10, maxUrgentBytes: 100_000, maxQuiet: 10 });
    buffer.add(record('ok1', 'ok'));
    assert.equal(buffer.hasUrgent, false);
    buffer.add(record('bad', 'error'));
    buffer.add(record('said', 'ok', 'u1', { log: [{ level: 'info', at: 0, message: 'x' }] }));
    assert.equal(buffer.hasUrgent, true);
    assert.deepEqual(ids(buffer.take().records), ['bad', 'said']);
    assert.deepEqual(ids(all(buffer)), ['ok1']);
    assert.deepEqual(ids(all(buffer)), []);
  });

  test('of the quiet ones keeps the newest of each function, in order', () => {
    const buffer = new RecordBuffer({ perFunction: 2, maxUrgent: 10, maxUrgentBytes: 100_000, maxQuiet: 100 });
    for (let index = 0; index < 5; index += 1) buffer.add(record(`a${index}`, 'ok'));
    buffer.add(record('b0', 'ok', 'u2'));
    assert.deepEqual(ids(all(buffer)), ['a3', 'a4', 'b0']);
  });

  test('gives everything in batches, what was given up with the first', () => {
    const buffer = new RecordBuffer({ perFunction: 10, maxUrgent: 1, maxUrgentBytes: 100_000, maxQuiet: 10 });
    for (const id of ['e0', 'e1']) buffer.add(record(id, 'error'));
    for (const id of ['q0', 'q1', 'q2', 'q3']) buffer.add(record(id, 'ok'));
    const batches = [...buffer.takeAll(2)].map(({ records, dropped }) => [ids(records), dropped]);
    assert.deepEqual(batches, [
      [['e0', 'q0'], 1],
      [['q1', 'q2'], 0],
      [['q3'], 0],
    ]);
    assert.deepEqual([...buffer.takeAll(2)], []);
  });

  test('sends quiet ones as well while somebody follows', () => {
    const buffer = new RecordBuffer({ perFunction: 2, maxUrgent: 10, maxUrgentBytes: 100_000, maxQuiet: 3 });
    buffer.add(record('before', 'ok'));
    assert.equal(buffer.hasUrgent, false);
    buffer.followed = true;
    buffer.add(record('x', 'ok'));
    assert.equal(buffer.hasUrgent, true);
    assert.deepEqual(ids(buffer.take().records), ['x']);
  });

  test('counts what it gives up', () => {
    const buffer = new RecordBuffer({ perFunction: 2, maxUrgent: 3, maxUrgentBytes: 100_000, maxQuiet: 3 });
    for (let index = 0; index < 5; index += 1) buffer.add(record(`e${index}`, 'error'));
    const { records, dropped } = buffer.take();
    assert.deepEqual([records.length, dropped], [3, 2]);
    assert.equal(buffer.take().dropped, 0);
  });
});
