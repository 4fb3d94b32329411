import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { functionEntry } from '../../../test/builders/function-entry.ts';
import { emptyTable } from '../../routing/diff-tables.ts';
import type { RouteTable } from '../../routing/types.ts';
import { createRuntimeBook } from './runtime-book.ts';

const clock = { now: () => 0, after: () => () => undefined, every: () => () => undefined };
const proof = { podName: 'runtime-0', podUid: 'pod-0', group: 'default', expiresAt: 1 };
const entry = functionEntry({ uid: 'uid-1', revision: 'r' });
const table: RouteTable = { version: 1, functions: new Map([[entry.uid, entry]]) };
const said = [{ uid: 'uid-1', revision: 'r', accepted: true }];

suite('createRuntimeBook', () => {
  test('what a runtime says of a function before this replica knows it counts as soon as it does', () => {
    const book = createRuntimeBook(clock);
    book.connected(proof, 'process', true);
    book.judged(proof, said, emptyTable);
    const [runtime] = book.acknowledgements.runtimes();
    assert.equal(runtime?.acknowledgements.size, 0, 'nothing is kept of what the table does not have');
    const told: unknown[] = [];
    book.acknowledgements.subscribe((change) => void told.push(change));
    book.tableChanged(['uid-1'], table);
    assert.equal(runtime?.acknowledgements.get('uid-1')?.accepted, true);
    assert.deepEqual(told, [{ kind: 'acknowledged', uids: ['uid-1'] }]);
    book.judged(proof, said, table);
    assert.deepEqual(told.at(-1), { kind: 'acknowledged', uids: ['uid-1'], by: 'pod-0' });
  });

  test('not for a function of another group, nor after another process took its place', () => {
    const book = createRuntimeBook(clock);
    book.connected(proof, 'process', true);
    book.judged(proof, said, emptyTable);
    const foreign = { ...entry, group: 'other' };
    book.tableChanged(['uid-1'], { version: 1, functions: new Map([[entry.uid, foreign]]) });
    assert.equal(book.acknowledgements.runtimes()[0]?.acknowledgements.size, 0);
    book.connected(proof, 'another process', true);
    book.tableChanged(['uid-1'], table);
    assert.equal(book.acknowledgements.runtimes()[0]?.acknowledgements.size, 0);
  });

  test('what leaves the table is forgotten', () => {
    const book = createRuntimeBook(clock);
    book.connected(proof, 'process', true);
    book.judged(proof, said, table);
    assert.equal(book.acknowledgements.runtimes()[0]?.acknowledgements.size, 1);
    book.tableChanged(['uid-1'], emptyTable);
    assert.equal(book.acknowledgements.runtimes()[0]?.acknowledgements.size, 0);
  });
});
