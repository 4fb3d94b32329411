import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallCounts } from './count-calls.ts';

test('calls are counted by how they ended, in few words', () => {
  const counts = createCallCounts();
  const said = (body: unknown) => ({ ok: true, body }) as const;
  counts.add('get', said({ ok: true, text: '{}' }));
  counts.add('get', said({ ok: true, text: '{}' }));
  counts.add('get', said({ ok: false, status: 403, reason: 'Forbidden', message: 'pods "x" is forbidden' }));
  counts.add('patch', said({ ok: false, reason: 'Unreachable', message: 'connect ECONNREFUSED' }));
  counts.add('create', said({ ok: false, message: 'the object is missing' }));
  counts.add('list', { ok: false, code: 'Busy', message: 'too many' });
  counts.add(undefined, { ok: false, code: 'Refused', message: 'the operation is unknown' });
  assert.deepEqual(
    [...counts.all()].map(({ operation, outcome, count }) => `${operation} ${outcome} ${count}`),
    ['get ok 2', 'get 403 1', 'patch away 1', 'create refused 1', 'list busy 1', 'unknown refused 1'],
  );
});
