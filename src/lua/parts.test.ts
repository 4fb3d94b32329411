import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CallLog } from './call-log.ts';
import { filterTraceback, parsePlace, syntaxMistake } from './explain-error.ts';
import { Journal } from './journal.ts';
import { LazyState } from './lazy-tables.ts';
import { lazyTable } from '../../test/builders/test-engine.ts';

describe('a journal', () => {
  test('gives what it recorded before it asks again', () => {
    const journal = new Journal();
    let clock = 0;
    const read = (): number => journal.take(() => (clock += 1), true);
    assert.deepEqual([read(), read()], [1, 2]);
    journal.resumed([1, 2]);
    journal.rewind();
    assert.deepEqual(journal.nextResumption(), [1, 2]);
    assert.equal(journal.nextResumption(), undefined);
    assert.deepEqual([read(), read(), read()], [1, 2, 3]);
  });

  test('keeps nothing that will not be read again', () => {
    const journal = new Journal();
    assert.equal(
      journal.take(() => 5, false),
      5,
    );
    assert.deepEqual(journal.readings, []);
  });
});

test('a log ends with one marker at its cap of lines or bytes', () => {
  const lines = new CallLog(1000, 2);
  for (const message of ['a', 'b', 'c', 'd']) lines.append('info', 0, message);
  assert.deepEqual(
    lines.lines.map(({ message }) => message),
    ['a', 'b', '[log truncated]'],
  );
  assert.equal(lines.truncated, true);
  const bytes = new CallLog(100, 10);
  bytes.append('info', 0, 'x'.repeat(50));
  assert.equal(bytes.truncated, false);
  bytes.append('info', 0, 'x', new Map([['field', 'y'.repeat(100)]]));
  assert.equal(bytes.truncated, true);
});

test('a lazy table knows what Lua has read or assigned, few fields or many', () => {
  const keys = Array.from({ length: 40 }, (_, index) => `k${index}`);
  const state = new LazyState(lazyTable(Object.fromEntries(keys.map((key) => [key, 1]))));
  for (const key of keys.slice(0, 30)) {
    assert.equal(state.isResolved(key), false);
    state.resolve(key);
    assert.equal(state.isResolved(key), true);
  }
  assert.deepEqual(state.complete(), keys.slice(30));
  assert.deepEqual(state.complete(), []);
  assert.equal(state.isResolved('other'), true);
});

describe('places of errors', () => {
  test('are read for known files only, names with odd characters included', () => {
    assert.deepEqual(parsePlace('fn:12: text: 5', ['fn']), { file: 'fn', line: 12, message: 'text: 5' });
    assert.deepEqual(parsePlace('a.b[c]:3: x', ['fn', 'a.b[c]']), { file: 'a.b[c]', line: 3, message: 'x' });
    assert.deepEqual(parsePlace('other:3: x', ['fn']), { message: 'other:3: x' });
  });

  test('carry a column where the token stands', () => {
    const source = 'local a = 1\nlocal end = 2';
    assert.equal(syntaxMistake('fn', source, "fn:2: <name> expected near 'end'").column, 7);
    assert.equal(syntaxMistake('fn', source, "fn:2: 'x' expected near <eof>").column, 14);
    assert.equal(syntaxMistake('fn', source, "fn:2: unexpected symbol near '((('").column, undefined);
  });

  test('tracebacks show no frames of the host', () => {
    const text = 'stack traceback:\n\t[C]: in ?\n\t?: in function <?:10>\n\tfn:3: in function <fn:1>';
    assert.equal(filterTraceback(text), 'stack traceback:\n\tfn:3: in function <fn:1>');
  });
});
