import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyName, planWrites, type WriteUnit } from './plan-writes.ts';

const scope = { namespaceUid: 'ns', space: 'f' };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const increment = (key: string, delta = 1): WriteUnit => ({
  writes: [{ scope, key, change: { kind: 'increment', delta } }],
  expectations: [],
});
const set = (key: string, value: string, version?: number): WriteUnit => ({
  writes: [{ scope, key, change: { kind: 'set', value: bytes(value) } }],
  expectations: version === undefined ? [] : [{ scope, key, version }],
});
const written = (changes: readonly { key: string; value?: Uint8Array }[]) =>
  changes.map(({ key, value }) => [key, value === undefined ? undefined : Buffer.from(value).toString()]);

test('adds up increments of one key and writes it once', () => {
  const present = new Map([[keyName(scope, 'n'), { value: bytes('40'), version: 3 }]]);
  const { answers, changes } = planWrites([increment('n'), increment('n'), increment('m', 5)], present);
  assert.deepEqual(answers, [
    { kind: 'ok', numbers: [41] },
    { kind: 'ok', numbers: [42] },
    { kind: 'ok', numbers: [5] },
  ]);
  assert.deepEqual(written(changes), [
    ['n', '42'],
    ['m', '5'],
  ]);
});

test('a unit that expects what an earlier unit has changed conflicts, and writes nothing', () => {
  const present = new Map([[keyName(scope, 'k'), { value: bytes('a'), version: 7 }]]);
  const { answers, changes } = planWrites(
    [set('k', 'b', 7), set('k', 'c', 7), set('new', 'x', 0), set('new', 'y', 0)],
    present,
  );
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ['ok', 'conflict', 'ok', 'conflict'],
  );
  assert.deepEqual(written(changes), [
    ['k', 'b'],
    ['new', 'x'],
  ]);
});

test('a unit with one write that cannot be done writes none of them, and its neighbours are not touched', () => {
  const present = new Map([[keyName(scope, 'word'), { value: bytes('"x"'), version: 1 }]]);
  const broken = { writes: [...set('other', '1').writes, ...increment('word').writes], expectations: [] };
  const { answers, changes } = planWrites([broken, set('mine', '1')], present);
  assert.deepEqual(answers, [
    { kind: 'notInteger', key: 'word' },
    { kind: 'ok', numbers: [undefined] },
  ]);
  assert.deepEqual(written(changes), [['mine', '1']]);
});

test('what is deleted is absent for the units after it', () => {
  const present = new Map([[keyName(scope, 'k'), { value: bytes('5'), version: 2 }]]);
  const gone: WriteUnit = { writes: [{ scope, key: 'k', change: { kind: 'delete' } }], expectations: [] };
  const { answers, changes } = planWrites([gone, set('k', 'again', 0)], present);
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ['ok', 'ok'],
  );
  assert.deepEqual(written(changes), [['k', 'again']]);
  assert.deepEqual(written(planWrites([gone], present).changes), [['k', undefined]]);
});
