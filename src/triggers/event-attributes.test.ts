import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readExtraAttributes } from './event-attributes.ts';

const read = (fields: Readonly<Record<string, unknown>>) => readExtraAttributes(Object.entries(fields));
const told = (fields: Readonly<Record<string, unknown>>): string => {
  const found = read(fields);
  return found.ok ? 'fine' : found.message;
};

test('texts, integers and truth are kept with their types; what every event has, and null, is not among them', () => {
  assert.deepEqual(
    read({
      id: '1',
      type: 't',
      source: '/',
      data: {},
      region: 'eu',
      retries: 3,
      urgent: false,
      dataschema: 'https://a/b',
      gone: null,
    }),
    { ok: true, attributes: { region: 'eu', retries: 3, urgent: false, dataschema: 'https://a/b' } },
  );
  assert.deepEqual(read({ id: '1' }), { ok: true, attributes: undefined });
  assert.deepEqual(read({ constructor: 'a word like any other', a1: -(2 ** 31), b1: 2 ** 31 - 1 }), {
    ok: true,
    attributes: Object.fromEntries([
      ['constructor', 'a word like any other'],
      ['a1', -(2 ** 31)],
      ['b1', 2 ** 31 - 1],
    ]),
  });
});

test('a mistake names the attribute and the rule', () => {
  for (const name of ['Region', 'my_region', '', 'a-b', 'x'.repeat(21), '__proto__']) {
    assert.match(told(Object.fromEntries([[name, 'x']])), /^attribute ".*": a name is 1 to 20 lower-case/, name);
  }
  assert.equal(told({ verified: true }), 'attribute "verified": this name is set by Moonhook only');
  assert.match(told({ moonhookcall: 'x' }), /set by Moonhook only/);
  assert.equal(told({ a: 1.5 }), 'attribute "a": a number is an integer of 32 bits');
  assert.equal(told({ a: 2 ** 31 }), 'attribute "a": a number is an integer of 32 bits');
  assert.equal(told({ a: { b: 1 } }), 'attribute "a": a value is text, an integer, true or false');
  assert.equal(told({ a: ['x'] }), 'attribute "a": a value is text, an integer, true or false');
  assert.equal(told({ a: 'x'.repeat(1025) }), 'attribute "a": a text has at most 1024 characters');
  assert.match(told({ a: 'line\nbreak' }), /no control characters/);
  assert.match(told({ a: '\ud800' }), /no halves of characters/);
  assert.equal(told({ a: 'é'.repeat(1024) }), 'fine');
});

test('many of them, and much of them, is refused', () => {
  const many = (count: number, value: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, value]));
  assert.equal(told(many(32, 'x')), 'fine');
  assert.equal(told(many(33, 'x')), 'an event has at most 32 further attributes, this one has 33');
  assert.equal(told(many(7, 'x'.repeat(1024))), 'fine');
  assert.match(told(many(8, 'x'.repeat(1024))), /more than 8192 bytes/);
});
