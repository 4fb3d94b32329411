import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemaProblems } from '../builders/schema-problems.ts';
import { object, text, type SchemaNode } from '../../src/function/schema-node.ts';

/** Each schema with the one thing that is wrong with it. */
const bad: readonly (readonly [schema: SchemaNode, problem: RegExp])[] = [
  [object('A thing.', { a: { type: 'string', description: 'A text.' } }), /^a: has no maxLength/],
  [object('A thing.', { a: { type: 'string', maxLength: 3 } }), /^a: has no description/],
  [object('A thing.', { a: text('a text', 3) }), /^a: its description is not a sentence/],
  [object('A thing.', { on: text('A text.', 3) }), /the field on is a YAML boolean/],
  [
    object('A thing.', { a: { type: 'string', description: 'A word.', enum: ['No'] } }),
    /the value No is a YAML boolean/,
  ],
  [object('A thing.', { import: text('A text.', 3) }), /reserved word of CEL/],
  [
    object('A thing.', { a: { type: 'array', description: 'A list.', maxItems: 1, items: text('A text.', 1) } }),
    /how lists are merged/,
  ],
  [
    object('A thing.', { a: { type: 'object', description: 'A map.', additionalProperties: text('A text.', 1) } }),
    /has no maxProperties/,
  ],
  [object('A thing.', { a: { type: 'integer', description: 'A count.', minimum: 0 } }), /has no bounds/],
  [object('A thing.', { a: { ...text('A text.', 3), default: 'x' } }), /has a default/],
  [object('A thing.', {}, { required: ['b'] }), /requires b/],
  [
    object(
      'A thing.',
      { code: text('A text.', 3) },
      { rules: [{ cel: 'self.code.size() > 1', message: 'm', check: () => true }] },
    ),
    /walks code/,
  ],
];

for (const [schema, problem] of bad) {
  test(`a schema is found out: ${problem.source}`, () => {
    assert.ok(
      schemaProblems(schema).some((line) => problem.test(line)),
      JSON.stringify(schemaProblems(schema)),
    );
  });
}

test('a sound schema has no problems', () => {
  assert.deepEqual(schemaProblems(object('A thing.', { a: text('A text.', 3) })), []);
});
