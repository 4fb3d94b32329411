import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { jsonNull, type LuaKey, type LuaValue } from '../lua/types.ts';
import { createLogger } from '../telemetry/logger.ts';
import { logCall } from './log-call.ts';

const deep = new Map<LuaKey, LuaValue>([
  ['text', 'a'],
  ['table', new Map<LuaKey, LuaValue>([['list', [1, new Map<LuaKey, LuaValue>([[1.5, true]])]]])],
  ['bytes', new Uint8Array([0xe4, 0xf6])],
  ['large', 9_223_372_036_854_775_807n],
  ['none', Number.NaN],
  ['null', jsonNull],
]);

for (const terminal of [false, true]) {
  test(`what a function logs is whole in the process log, ${terminal ? 'on a terminal' : 'on a pipe'}`, async () => {
    let written = '';
    const text = (): string => written.trim();
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        written += chunk.toString();
        done();
      },
    });
    const log = createLogger({ level: 'info', terminal, stream });
    logCall(log, {
      callId: 'c-1',
      time: 0,
      kind: 'http',
      outcome: 'ok',
      durationMs: 1,
      worker: 0,
      namespace: 'default',
      functionName: 'a',
      log: [{ level: 'info', at: 0, message: 'said', fields: deep }],
    });
    while (text() === '') await new Promise((resolve) => void setImmediate(resolve));
    const line = text();
    const json = terminal ? line.slice(line.indexOf('{'), line.lastIndexOf('}') + 1) : line;
    const { fields } = JSON.parse(json) as { readonly fields: unknown };
    assert.deepEqual(fields, {
      text: 'a',
      table: { list: [1, { 1.5: true }] },
      bytes: '5PY=',
      large: '9223372036854775807',
      none: 'NaN',
      null: null,
    });
  });
}
