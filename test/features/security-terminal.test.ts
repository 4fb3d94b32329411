/** What tenants log never moves the cursor of a terminal, however deep it is hidden. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createLogger } from '../../src/telemetry/logger.ts';

const hostile = 'a\u001b[2J\u009b2Jb\nforged\u202e';

async function written(terminal: boolean, fields: Readonly<Record<string, unknown>>): Promise<string> {
  const chunks: string[] = [];
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
      resolve(undefined);
    },
  });
  createLogger({ level: 'info', terminal, stream }).info(hostile, fields);
  await promise;
  return chunks.join('');
}

/** Everything but the end of the line. */
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]|\n(?!$)/;

test('on a terminal no control character of a message or of a field at any depth is left', async () => {
  const fields = {
    function: hostile,
    [hostile]: 1,
    fields: { [hostile]: hostile, list: [hostile, { deep: hostile }], map: new Map([[hostile, hostile]]) },
  };
  const text = await written(true, fields);
  assert.doesNotMatch(text, controls);
  assert.equal(text.match(/\\u009b2Jb/g)?.length ?? 0, text.match(/forged/g)?.length, 'all of them are shown');
  assert.ok((text.match(/forged/g)?.length ?? 0) >= 9);
});

test('control: what is looked for is found in a line that is not escaped', () => {
  assert.match(`${hostile}\n`, controls);
});

test('numbers, flags and missing fields stay what they are', async () => {
  assert.match(await written(true, { count: 3, on: true, none: null }), /"?count"?:\s?3.*"?on"?:\s?true/);
});

test('on a pipe a line is JSON, whatever the message holds', async () => {
  const text = await written(false, { fields: { deep: hostile } });
  assert.equal(text.split('\n').length, 2);
  const line = JSON.parse(text) as Readonly<Record<string, unknown>>;
  assert.equal(line['msg'], hostile);
  assert.deepEqual(line['fields'], { deep: hostile });
});
