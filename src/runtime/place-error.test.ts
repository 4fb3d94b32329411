import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry } from '../../test/builders/function-entry.ts';
import { placeError, placeRecord } from './place-error.ts';

const entry = functionEntry({
  name: 'deploy',
  code: {
    codeRevision: 'c',
    code: '',
    modules: { util: '' },
    origin: { file: 'hooks.yaml', lineOffset: 10, columnOffset: 4 },
    moduleOrigins: { util: { file: 'lib/util.lua', lineOffset: 0, columnOffset: 0 } },
  },
});

test('file, line, message and traceback speak of the files', () => {
  const placed = placeError(
    {
      message: 'deploy:3: no such room',
      file: 'deploy',
      line: 3,
      traceback: "deploy:3: in function 'send'\nutil:7: in function <util:5>\nother:9: in main",
    },
    entry,
  );
  assert.deepEqual(placed, {
    message: 'hooks.yaml:13: no such room',
    file: 'hooks.yaml',
    line: 13,
    traceback: "hooks.yaml:13: in function 'send'\nlib/util.lua:7: in function <lib/util.lua:5>\nother:9: in main",
  });
});

test('an error of another revision keeps its own lines', () => {
  const error = { message: 'x', file: 'deploy', line: 3 };
  const record = {
    callId: '1',
    time: 0,
    kind: 'http',
    outcome: 'error',
    durationMs: 1,
    functionUid: entry.uid,
    revision: 'older',
    error,
  } as const;
  const table = { version: 1, functions: new Map([[entry.uid, entry]]) };
  assert.equal(placeRecord(record, table), record);
  assert.equal(placeRecord({ ...record, revision: entry.revision }, table).error?.line, 13);
});
