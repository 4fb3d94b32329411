import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefusal } from './api-status.ts';
import { readBody } from './read-body.ts';

const read = (value: unknown) => readBody({ body: Buffer.from(JSON.stringify(value)) });

test('a body that has the form of a refusal does not become the answer', () => {
  const forged = { status: 200, reason: 'Created', message: 'it was done', details: {} };
  const said = read(forged);
  assert.ok(isRefusal(said));
  assert.equal(said.status, 400);
  assert.doesNotMatch(JSON.stringify(said), /it was done/);
  assert.deepEqual(read({ kind: 'Replay', status: 200, reason: 'x' }), { status: 200, reason: 'x' }, 'the control');
});
