import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toRejection } from './read-mistakes.ts';

const code = {
  codeRevision: '',
  code: '',
  modules: {},
  origin: { file: 'hooks.yaml', lineOffset: 6, columnOffset: 4 },
};

test('lines that the words of a syntax error name are lines of the file', () => {
  for (const [message, said] of [
    ["'end' expected (to close 'function' at line 1) near <eof>", "(to close 'function' at line 7) near <eof>"],
    ["break outside a loop at line 3 near 'end'", "at line 9 near 'end'"],
    ["label 'again' already defined on line 2", 'already defined on line 8'],
    [`unexpected symbol near '"at line 2"'`, `near '"at line 2"'`],
  ] as const) {
    const rejection = toRejection({ kind: 'syntax', file: 'greet', line: 3, column: 1, message }, 'greet', code);
    assert.ok(rejection.message?.endsWith(said), rejection.message);
    assert.equal(rejection.line, 9);
    assert.equal(rejection.column, 5);
  }
});

test('the words of other mistakes stay as they are', () => {
  const message = 'stopped at line 3';
  assert.equal(toRejection({ kind: 'load', file: 'greet', message }, 'greet', code).message, message);
});
