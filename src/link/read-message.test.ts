import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { FromController, FromRuntime } from './protocol.ts';
import { readFromController, readFromRuntime } from './read-message.ts';

const up: readonly FromRuntime[] = [
  { kind: 'hello', runtime: 'p', podName: 'r', podUid: 'u', group: 'default', epoch: 3 },
  { kind: 'follow', on: true, holds: [['uid', 'f1']], more: false },
  { kind: 'judged', acknowledgements: [{ uid: 'u', revision: 'r', accepted: false, reason: 'LuaSyntax', line: 3 }] },
  { kind: 'applied', epoch: 1, version: 2 },
  { kind: 'proof', token: 'a.b.c' },
  {
    kind: 'report',
    schedules: [{ uid: 'u', trigger: 'nightly', next: 5 }],
    health: [
      {
        uid: 's',
        breaker: 'Open',
        failing: { since: 1, at: 2, error: 'refused' },
        switchedOff: { at: 3, reason: 'Gone', error: '410', identity: 'i' },
      },
    ],
  },
  { kind: 'ask', id: 1, topic: 'kubernetes', body: { uid: 'u' } },
  { kind: 'cancel', id: 1 },
  { kind: 'answer', id: 1, ok: true, body: [1] },
  { kind: 'answer', id: 2, ok: false, code: 'Busy', message: 'later' },
];
const down: readonly FromController[] = [
  { kind: 'stand', controller: 'c', epoch: 0, synced: false },
  { kind: 'policy', policy: { hosts: [] } },
  { kind: 'prove' },
  {
    kind: 'table',
    epoch: 1,
    version: 2,
    whole: true,
    changes: [
      { op: 'set', digest: 'f1', entry: { uid: 'u' } },
      { op: 'delete', uid: 'v' },
      { op: 'setSubscription', digest: 's1', subscription: { uid: 'w' } },
      { op: 'deleteSubscription', uid: 'x' },
    ],
  },
  { kind: 'ask', id: 1, topic: 'append', body: null },
];

suite('readFromRuntime and readFromController', () => {
  test('every message is read as it was sent', () => {
    for (const message of up) {
      assert.deepEqual(readFromRuntime(JSON.stringify(message)), { kind: 'message', message });
    }
    for (const message of down) {
      assert.deepEqual(readFromController(JSON.stringify(message)), { kind: 'message', message });
    }
  });

  test('members of a newer program are left out, its kinds are skipped', () => {
    assert.deepEqual(readFromRuntime('{"kind":"applied","epoch":1,"version":2,"newer":{}}'), {
      kind: 'message',
      message: { kind: 'applied', epoch: 1, version: 2 },
    });
    assert.deepEqual(readFromRuntime('{"kind":"newer"}'), { kind: 'unknown', name: 'newer' });
    assert.deepEqual(readFromController('{"kind":"newer"}'), { kind: 'unknown', name: 'newer' });
  });

  test('a member that is missing or of another type makes a message malformed, and is not quoted', () => {
    for (const message of [...up, ...down]) {
      const read = up.includes(message as FromRuntime) ? readFromRuntime : readFromController;
      for (const member of Object.keys(message)) {
        if (['kind', 'body', 'epoch', 'policy'].includes(member) && message.kind !== 'policy') continue;
        const wrong = { ...message, [member]: { hunter2: true } };
        if (member === 'policy' || member === 'kind') continue;
        const result = read(JSON.stringify(wrong));
        assert.equal(result.kind, 'malformed', `${message.kind}.${member}`);
        assert.ok(!JSON.stringify(result).includes('hunter2'));
      }
    }
  });

  test('no text makes it throw', () => {
    const anyMessage = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({ kind: fc.constantFrom(...[...up, ...down].map(({ kind }) => kind)), id: fc.anything() })
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(anyMessage, (text) => {
        readFromRuntime(text);
        readFromController(text);
      }),
    );
  });
});
