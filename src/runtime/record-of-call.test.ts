import assert from 'node:assert/strict';
import { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { suite, test } from 'node:test';
import { functionEntry } from '../../test/builders/function-entry.ts';
import type { CallUsage } from '../lua/types.ts';
import { CallIds } from './call-ids.ts';
import type { CallRecord } from './call-record.ts';
import { HttpCall } from './http-call.ts';
import { LeanRequest } from './lean-request.ts';
import { LiveFunction } from './live-function.ts';
import { RecordBuffer } from './record-buffer.ts';

const nobody = (): never => {
  throw new Error('no trigger of this function is asked for');
};
const outcome = { serving: undefined, rejection: undefined, broken: new Map() };
const place = { index: 0, callRow: 0, triggerRows: {} };
const fn = new LiveFunction(functionEntry(), place, undefined, outcome, { trigger: nobody, context: nobody });

function call(
  id: string,
  target: string,
  parts: Partial<HttpCall> = {},
  headers: Record<string, string> = {},
): HttpCall {
  const request = new LeanRequest(new Socket());
  request.method = 'GET';
  request.url = target;
  request.rawHeaders = Object.entries({ host: 'hooks.example.com', ...headers }).flat();
  const made = new HttpCall(id, request, new ServerResponse(request), 'calls', 0, 100, 1_000);
  return Object.assign(made, { fn, ip: '192.0.2.1', route: '/*', ...parts });
}

const usage = (cpuMs: number, more: Partial<CallUsage> = {}): CallUsage => ({
  cpuMs,
  memoryPeakBytes: 4096,
  hostCalls: [],
  log: [],
  logTruncated: false,
  ...more,
});
const newBuffer = (): RecordBuffer =>
  new RecordBuffer({ perFunction: 1, maxUrgent: 10, maxUrgentBytes: 1000, maxQuiet: 10 });
const note = (buffer: RecordBuffer, made: HttpCall): void => buffer.addCall(made, 200, { outcome: 'ok' }, 103.5);
const recordsOf = (buffer: RecordBuffer): readonly CallRecord[] =>
  [...buffer.takeAll(100)].flatMap(({ records }) => records);

/** A call that says as much as it can, and one that says little. */
const full = (): HttpCall => {
  const hostCalls = [{ name: 'kv.get', startMs: 1, durationMs: 2, ok: true }];
  const made = call(
    'c-full',
    '/full?a=b',
    {
      usage: usage(1.5, { hostCalls }),
      eventId: 'e-1',
      duplicateOf: 'c-0',
      identified: { name: 'push', deliveryId: 'd-1' } as HttpCall['identified'],
      handler: 'push',
    },
    { 'x-call-id': 'mine', traceparent: '00-a-b-01' },
  );
  made.note('match', true, 'found');
  return made;
};
const plain = (): HttpCall => call('c-plain', '/plain');
/** As a worker makes them: the trace keeps the number of the id. */
const ids = new CallIds('c-');
const numbered = (): HttpCall => Object.assign(call(ids.text(7), '/numbered'), { numbered: ids, number: 7 });

suite('the record of a call that takes the place of an older one', () => {
  for (const [name, older, newer] of [
    ['says nothing of the older one', full, plain],
    ['says all of its own', plain, full],
    ['is whole where both say the same', full, full],
    ['has its own id, by number', plain, numbered],
    ['has its own id, as text', numbered, plain],
  ] as const) {
    test(name, () => {
      const [reused, fresh] = [newBuffer(), newBuffer()];
      note(reused, older());
      note(reused, newer());
      note(fresh, newer());
      assert.deepEqual(recordsOf(reused), recordsOf(fresh));
    });
  }

  test('says the id that was answered, of which it keeps the number', () => {
    const buffer = newBuffer();
    note(buffer, numbered());
    assert.deepEqual(
      recordsOf(buffer).map(({ callId }) => callId),
      [numbered().id],
    );
  });

  test('leaves records alone that were taken before', () => {
    const buffer = newBuffer();
    note(buffer, full());
    const taken = recordsOf(buffer);
    const before = structuredClone(taken);
    note(buffer, plain());
    note(buffer, plain());
    assert.deepEqual(taken, before);
  });

  test('a call with a log goes at once and does not take the place of a quiet one', () => {
    const buffer = newBuffer();
    note(buffer, plain());
    note(buffer, call('c-logged', '/logged', { usage: usage(1, { log: [{ level: 'info', at: 0, message: 'x' }] }) }));
    assert.deepEqual(
      buffer.take().records.map(({ callId }) => callId),
      ['c-logged'],
    );
    assert.deepEqual(
      recordsOf(buffer).map(({ callId }) => callId),
      ['c-plain'],
    );
  });
});
