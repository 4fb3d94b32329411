import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toPlainRecord } from './plain-record.ts';

test('times have microseconds, and numbers that a function logged all their digits', () => {
  const plain = toPlainRecord({
    callId: 'c1',
    time: 1000.123456,
    kind: 'http',
    outcome: 'ok',
    durationMs: 213.43205500000022,
    cpuMs: 0.5596489999998084,
    hostCalls: [{ name: 'sleep', startMs: 0.12345, durationMs: 5.55555, ok: true }],
    log: [{ level: 'info', at: 1.23456, message: 'x', fields: new Map([['n', 0.123456789]]) }],
  });
  assert.deepEqual(plain, {
    callId: 'c1',
    time: 1000.123,
    kind: 'http',
    outcome: 'ok',
    durationMs: 213.432,
    cpuMs: 0.56,
    hostCalls: [{ name: 'sleep', startMs: 0.123, durationMs: 5.556, ok: true }],
    log: [{ level: 'info', at: 1.235, message: 'x', fields: { n: 0.123456789 } }],
  });
});
