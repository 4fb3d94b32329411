import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Outcome } from '../telemetry/call-outcomes.ts';
import type { CallRecord } from './call-record.ts';
import { RecordBook, type RecordLimits } from './record-book.ts';

const limits: RecordLimits = {
  maxBytes: 1 << 20,
  keepMs: 1000,
  okPerFunction: 3,
  refusedPerTrigger: 2,
  unrouted: 2,
};

function record(callId: string, outcome: Outcome, time: number, more: Partial<CallRecord> = {}): CallRecord {
  return {
    callId,
    outcome,
    time,
    kind: 'http',
    durationMs: 1,
    functionUid: 'u1',
    namespace: 'a',
    functionName: 'f',
    ...more,
  };
}

const ids = (records: readonly CallRecord[]): string[] => records.map(({ callId }) => callId);

suite('RecordBook', () => {
  test('keeps the newest quiet records of each function', () => {
    const book = new RecordBook(limits);
    for (let index = 0; index < 6; index += 1) book.add(record(`a${index}`, 'ok', index), index);
    book.add(record('b0', 'ok', 6, { functionUid: 'u2' }), 6);
    assert.deepEqual(ids(book.find({}, 6)), ['b0', 'a5', 'a4', 'a3']);
    assert.equal(book.size, 4);
  });

  test('the newest are kept in whatever order they arrive', () => {
    const book = new RecordBook(limits);
    for (const time of [5, 6, 7, 1, 2, 8]) book.add(record(`a${time}`, 'ok', time), 8);
    assert.deepEqual(ids(book.find({}, 8)), ['a8', 'a7', 'a6']);
  });

  test('keeps failures by age and not by number', () => {
    const book = new RecordBook(limits);
    for (let index = 0; index < 10; index += 1) book.add(record(`e${index}`, 'error', index * 200), index * 200);
    assert.deepEqual(ids(book.find({}, 1800)), ['e9', 'e8', 'e7', 'e6', 'e5', 'e4']);
    assert.deepEqual(ids(book.find({}, 5000)), []);
    assert.equal(book.size, 0);
    assert.equal(book.bytes, 0);
  });

  test('keeps the last refused requests of a trigger, and a ring of those that met no route', () => {
    const book = new RecordBook(limits);
    for (let index = 0; index < 4; index += 1) {
      book.add(record(`r${index}`, 'unverified', index, { trigger: 'push' }), index);
      const { functionUid, ...unrouted } = record(`n${index}`, 'unmatched', index);
      assert.equal(functionUid, 'u1');
      book.add(unrouted, index);
    }
    book.add(record('other', 'unverified', 4, { trigger: 'pull' }), 4);
    assert.deepEqual(ids(book.find({}, 4)).sort(), ['n2', 'n3', 'other', 'r2', 'r3']);
  });

  test('stays under its bytes by giving up the oldest', () => {
    const book = new RecordBook({ ...limits, maxBytes: 5000 });
    for (let index = 0; index < 20; index += 1) {
      book.add(record(`e${index}`, 'error', index, { detail: 'x'.repeat(600) }), index);
    }
    assert.ok(book.bytes <= 5000);
    assert.ok(book.size >= 4);
    assert.equal(ids(book.find({}, 20))[0], 'e19');
  });

  test('finds by call id, event id and delivery id, and never across namespaces when one is given', () => {
    const book = new RecordBook(limits);
    book.add(record('c1', 'error', 1, { eventId: 'ev1', deliveryId: 'gh-1' }), 1);
    book.add(record('c2', 'error', 2, { eventId: 'ev1', namespace: 'b' }), 2);
    assert.deepEqual(ids(book.find({ id: 'gh-1' }, 2)), ['c1']);
    assert.deepEqual(ids(book.find({ id: 'ev1' }, 2)), ['c2', 'c1']);
    assert.deepEqual(ids(book.find({ id: 'ev1', namespace: 'a' }, 2)), ['c1']);
    assert.deepEqual(ids(book.find({ id: 'c2', outcomes: ['ok'] }, 2)), []);
  });

  test('finds a refused request by the delivery id it claims, not by its other headers', () => {
    const book = new RecordBook(limits);
    const headers = [
      ['x-github-delivery', 'gh-7'],
      ['content-type', 'application/json'],
    ] as const;
    book.add(record('c1', 'unverified', 1, { captured: { headers, bodyBase64: '', bodyCut: false } }), 1);
    assert.deepEqual(ids(book.find({ id: 'gh-7' }, 2)), ['c1']);
    assert.deepEqual(ids(book.find({ id: 'application/json' }, 2)), []);
    assert.deepEqual(ids(book.find({ id: 'gh-8' }, 2)), []);
  });

  test('a limit keeps the newest by time, in whatever order they arrived', () => {
    const book = new RecordBook({ ...limits, okPerFunction: 5000, maxBytes: 1 << 24, keepMs: 10_000 });
    book.add(record('newest', 'error', 5000), 5000);
    for (let time = 1; time <= 4000; time += 1) book.add(record(`a${time}`, 'ok', time), 5000);
    assert.deepEqual(ids(book.find({ limit: 2 }, 5000)), ['newest', 'a4000']);
    assert.equal(book.find({ limit: 99_999 }, 5000).length, 4001);
  });

  test('finds calls that logged or failed, which quiet ones do not crowd out', () => {
    const book = new RecordBook(limits);
    const line = { at: 0, level: 'info', message: 'hello' } as const;
    book.add(record('spoke', 'ok', 1, { log: [line] }), 1);
    book.add(record('failed', 'error', 2, { error: { message: 'no' } }), 2);
    book.add(record('quiet', 'ok', 3, { log: [] }), 3);
    assert.deepEqual(ids(book.find({ logged: true, limit: 2 }, 3)), ['failed', 'spoke']);
  });

  test('forgets what it removed however long it runs', () => {
    const book = new RecordBook(limits);
    for (let index = 0; index < 20_000; index += 1) book.add(record(`a${index}`, 'ok', index), index);
    assert.equal(book.size, 3);
    assert.deepEqual(ids(book.find({}, 20_000)), ['a19999', 'a19998', 'a19997']);
  });
});
