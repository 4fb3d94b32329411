import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonNull } from '../../lua/types.ts';
import { toPlain } from './plain-values.ts';

test('every kind of value survives JSON', () => {
  const value = {
    table: new Map<string | number, unknown>([
      ['a', 1n << 60n],
      [2, jsonNull],
      ['__proto__', 'plain'],
    ]),
    bytes: new Uint8Array([255, 0]),
    list: [Number.NaN, undefined, 'x', true],
    gone: undefined,
  };
  assert.equal(
    JSON.stringify(toPlain(value)),
    '{"table":{"2":null,"a":"1152921504606846976","__proto__":"plain"},"bytes":"/wA=","list":["NaN",null,"x",true]}',
  );
});
