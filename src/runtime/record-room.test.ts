import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { CallRecord } from './call-record.ts';
import { RecordBuffer } from './record-buffer.ts';
import { heavyBytes, lightRecord, logGivenUp, RecordRoom } from './record-room.ts';

const record = (namespaceUid: string, more: Partial<CallRecord> = {}): CallRecord => ({
  callId: 'c',
  functionUid: `f-${namespaceUid}`,
  namespaceUid,
  outcome: 'error',
  time: 0,
  kind: 'http',
  durationMs: 1,
  ...more,
});
const saying = (bytes: number): Partial<CallRecord> => ({
  log: [{ level: 'info', at: 0, message: 'x'.repeat(bytes) }],
});

suite('the room for logs and bodies of records', () => {
  test('leaves half of what is free to whoever comes next, and has all of it again', () => {
    const room = new RecordRoom(1000);
    assert.equal(room.take('a', 500), true);
    assert.equal(room.take('a', 1), false, 'its half is taken');
    assert.equal(room.take('a', 0), true);
    assert.equal(room.take('b', 250), true);
    assert.equal(room.take('b', 1), false);
    assert.equal(room.take('c', 125), true);
    room.giveBack('a', 500);
    assert.equal(room.take('b', 100), true);
    room.giveBackAll();
    assert.equal(room.take('c', 500), true);
  });

  test('is taken by texts, fields and bodies, and by nothing small', () => {
    assert.equal(heavyBytes(record('a')), 0);
    const fields = new Map([['k', 'y'.repeat(1000)]]);
    assert.ok(heavyBytes(record('a', { log: [{ level: 'info', at: 0, message: '', fields }] })) > 1000);
    const captured = { headers: [], bodyBase64: 'z'.repeat(1000), bodyCut: false };
    assert.equal(heavyBytes(record('a', { captured })), 1000);
    assert.deepEqual(lightRecord(record('a', { captured })), record('a'));
    const headers = Array.from({ length: 60 }, () => ['x', 'h'.repeat(200)] as const);
    assert.equal(heavyBytes(record('a', { captured: { headers, bodyBase64: '', bodyCut: false } })), 60 * 201);
  });

  test('is taken by long errors and many host calls, which are cut where there is none', () => {
    const message = 'm'.repeat(10_000);
    const error = { message, traceback: 't'.repeat(5_000), value: new Map([['code', 'v'.repeat(3_000)]]), line: 3 };
    const hostCalls = Array.from({ length: 1000 }, () => ({
      name: 'http.get',
      startMs: 0,
      durationMs: 1,
      ok: true,
      summary: 's'.repeat(200),
    }));
    assert.ok(heavyBytes(record('a', { error, detail: message })) >= 28_000);
    assert.ok(heavyBytes(record('a', { hostCalls })) >= 200_000);
    assert.equal(heavyBytes(record('a', { error: { message: 'm' }, hostCalls: hostCalls.slice(0, 3) })), 0);
    const light = lightRecord(record('a', { error, detail: message, hostCalls }));
    assert.ok(JSON.stringify(light).length < 2_000);
    assert.deepEqual([light.error?.line, light.error?.message.slice(0, 500)], [3, message.slice(0, 500)]);
    const buffer = new RecordBuffer({ perFunction: 10, maxUrgent: 1000, maxUrgentBytes: 1_000_000, maxQuiet: 1000 });
    for (let call = 0; call < 10; call += 1) buffer.add(record('a', { outcome: 'ok', hostCalls }));
    for (let call = 0; call < 10; call += 1)
      buffer.add(record('b', { outcome: 'ok', hostCalls: hostCalls.slice(0, 9) }));
    const { records } = buffer.take();
    assert.equal(records.length, 10, 'ten with few host calls stay until they are asked for');
    assert.equal(records.filter((each) => each.hostCalls !== undefined).length, 1, 'half of the room is for one');
  });

  test('a namespace that logs more than is taken loses logs, not records, and others lose nothing', () => {
    const buffer = new RecordBuffer({ perFunction: 1, maxUrgent: 1000, maxUrgentBytes: 100_000, maxQuiet: 1 });
    for (let call = 0; call < 100; call += 1) buffer.add(record('loud', saying(10_000)));
    buffer.add(record('quiet', saying(10_000)));
    const { records, dropped } = buffer.take();
    assert.equal(dropped, 0);
    const whole = (uid: string): number =>
      records.filter(({ namespaceUid, log }) => namespaceUid === uid && log !== logGivenUp).length;
    assert.deepEqual([records.length, whole('loud'), whole('quiet')], [101, 4, 1]);
    assert.ok(records.every(({ log, logTruncated }) => log !== logGivenUp || logTruncated === true));
    buffer.add(record('loud', saying(10_000)));
    assert.notEqual(buffer.take().records[0]?.log, logGivenUp, 'control: what was taken leaves room');
  });
});
