import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, constant, constantFrom, nat, oneof, property } from 'fast-check';
import { EventIndex } from './event-index.ts';
import { parseEventPattern, type EventPattern } from './event-pattern.ts';

function parsed(text: string): EventPattern {
  const result = parseEventPattern(text);
  assert.ok(result.ok, text);
  return result.pattern;
}

/** One pattern asked by itself. */
function wants({ prefix, text }: EventPattern, type: string): boolean {
  return prefix === undefined ? type === text : type.startsWith(prefix) && type.length > prefix.length;
}

const part = constantFrom('a', 'b', 'order', 'x');
const type = array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
const pattern = oneof(
  constant('*'),
  type,
  type.map((text) => `${text}.*`),
);

test('the index finds exactly what asking every pattern finds', () => {
  check(
    property(array(pattern, { maxLength: 20 }), type, nat(19), (patterns, wanted, gone) => {
      const index = new EventIndex<number>();
      patterns.forEach((text, at) => index.add(parsed(text), at));
      const removed = patterns[gone];
      if (removed !== undefined) index.delete(parsed(removed), gone);
      const expected = patterns.flatMap((text, at) => (at !== gone && wants(parsed(text), wanted) ? [at] : []));
      assert.deepEqual(new Set(index.match(wanted)), new Set(expected));
    }),
  );
});

test('a value under several patterns that match is found once', () => {
  const index = new EventIndex<string>();
  for (const text of ['com.acme.*', 'com.acme.order', '*']) index.add(parsed(text), 'one');
  assert.deepEqual([...index.match('com.acme.order')], ['one']);
});

test('nothing is left when everything was taken out', () => {
  const index = new EventIndex<string>();
  const patterns = ['a.b.c.*', 'a.b', '*'].map(parsed);
  for (const each of patterns) index.add(each, 'x');
  assert.equal(index.isEmpty, false);
  for (const each of patterns) index.delete(each, 'x');
  assert.equal(index.isEmpty, true);
});
