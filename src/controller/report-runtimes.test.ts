import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isHeeded, refusedByNew } from './report-runtimes.ts';

const old = { podUid: 'old' };
const added = { podUid: 'added' };

suite('isHeeded', () => {
  test('what a runtime says that takes no traffic yet is no news of any status', () => {
    const said = { kind: 'acknowledged', uids: ['a'] } as const;
    assert.equal(isHeeded({ ...said, by: 'added' }, [old]), false);
    assert.equal(isHeeded({ ...said, by: 'added' }, [old, added]), true);
    assert.equal(isHeeded(said, [old]), true, 'several runtimes, or nobody knows which');
    assert.equal(isHeeded({ kind: 'runtimes' }, []), true);
    assert.equal(isHeeded({ kind: 'reported', uids: ['a'] }, []), true);
  });
});

suite('refusedByNew', () => {
  test('is what a runtime refuses that takes traffic from now on, and nothing that it runs', () => {
    const acknowledgement = (uid: string, accepted: boolean) => [uid, { uid, revision: 'r', accepted }] as const;
    const linked = [
      { ...old, acknowledgements: new Map([acknowledgement('refused before', false)]) },
      { ...added, acknowledgements: new Map([acknowledgement('runs', true), acknowledgement('refused', false)]) },
    ];
    assert.deepEqual(refusedByNew([old], [old, added], linked), ['refused']);
    assert.deepEqual(refusedByNew([old, added], [old, added], linked), []);
    assert.deepEqual(refusedByNew([old, added], [old], linked), []);
  });
});
