import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  functionEntry,
  httpTriggerEntry,
  routeTable,
  scheduleTriggerEntry,
} from '../../test/builders/function-entry.ts';
import { anyEntry, anyTable } from '../../test/builders/arbitrary-entry.ts';
import { applyChanges, diffTables, emptyTable } from './diff-tables.ts';
import type { FunctionEntry, RouteTable } from './types.ts';
import { decodeEntry, encodeEntry, wireVersion } from './wire-format.ts';

function decoded(text: string): FunctionEntry {
  const result = decodeEntry(JSON.parse(text));
  assert.ok(result.ok, 'the text is an entry');
  return result.entry;
}

test('every entry is the same after encoding and decoding', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      assert.deepEqual(decoded(encodeEntry(entry)), entry);
    }),
    { numRuns: 300 },
  );
});

test('names such as __proto__ stay ordinary names', () => {
  const entry = functionEntry({
    env: JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>,
    code: { codeRevision: 'c', code: '', modules: JSON.parse('{"__proto__":"return 1"}') as Record<string, string> },
  });
  const again = decoded(encodeEntry(entry));
  assert.deepEqual(Object.keys(again.env), ['__proto__', 'constructor']);
  assert.deepEqual(Object.keys(again.code.modules), ['__proto__']);
  assert.equal(Object.getPrototypeOf(again.env), Object.prototype);
});

test('what a trigger shares with its function is not written twice', () => {
  const one = encodeEntry(functionEntry({ triggers: [httpTriggerEntry()] }));
  const two = encodeEntry(functionEntry({ triggers: [httpTriggerEntry(), scheduleTriggerEntry()] }));
  assert.ok(two.length - one.length < 160, `a second trigger costs ${two.length - one.length} characters`);
  assert.equal(two.match(/timeoutMs/g)?.length, 1);
});

test('an entry of a newer format is refused as a matter of the runtime, not of the function', () => {
  const newer = encodeEntry(functionEntry()).replace(`"v":${wireVersion}`, `"v":${wireVersion + 1}`);
  const result = decodeEntry(JSON.parse(newer));
  assert.equal(result.ok, false);
  assert.equal(result.reason, 'UnsupportedRuntime');
});

test('what is no entry is refused without quoting it', () => {
  for (const value of ['hunter2-secret', null, [], { v: 1, env: { A: 'hunter2-secret' } }, {}]) {
    const result = decodeEntry(value);
    assert.equal(result.ok, false, JSON.stringify(value));
    assert.equal(result.reason, 'Malformed');
    assert.ok(!result.message.includes('hunter2'), result.message);
  }
});

test('applying the difference of two tables to the first gives the second', () => {
  fc.assert(
    fc.property(anyTable, anyTable, (before, after) => {
      const applied = applyChanges(before, diffTables(before, after), after.version);
      assert.deepEqual(sorted(applied), sorted(after));
    }),
    { numRuns: 300 },
  );
});

test('a difference that travelled as text gives the same table', () => {
  fc.assert(
    fc.property(anyTable, anyTable, (before, after) => {
      const changes = diffTables(before, after).map((change) =>
        change.op === 'set' ? { op: change.op, entry: decoded(encodeEntry(change.entry)) } : change,
      );
      assert.deepEqual(sorted(applyChanges(before, changes, after.version)), sorted(after));
    }),
  );
});

test('only functions that differ are in the difference', () => {
  const kept = functionEntry({ name: 'kept' });
  const gone = functionEntry({ name: 'gone' });
  const edited = functionEntry({ name: 'edited' });
  const before = routeTable([kept, gone, edited]);
  const after = routeTable([{ ...kept }, { ...edited, revision: 'next' }], 2);
  assert.deepEqual(diffTables(before, after), [
    { op: 'set', entry: { ...edited, revision: 'next' } },
    { op: 'delete', uid: gone.uid },
  ]);
  assert.equal(diffTables(emptyTable, after).length, 2);
  assert.deepEqual(diffTables(after, after), []);
});

test('applying changes leaves the table alone that requests still read', () => {
  const before = routeTable([functionEntry()]);
  const after = applyChanges(before, [{ op: 'delete', uid: functionEntry().uid }], 2);
  assert.equal(before.functions.size, 1);
  assert.equal(after.functions.size, 0);
  assert.equal(after.version, 2);
});

function sorted(table: RouteTable): unknown {
  return { version: table.version, functions: [...table.functions].sort(([a], [b]) => (a < b ? -1 : 1)) };
}
