import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFunctionCheck } from '../../src/function/check-function.ts';
import type { SchemaNode } from '../../src/function/schema-node.ts';
import { subscriptionSchema } from '../../src/function/schema-subscription.ts';
import { functionSchema } from '../../src/function/schema.ts';
import type { WebhookFunction } from '../../src/function/types.ts';
import { receivers } from '../../src/receivers/catalogue.ts';
import { functionDocuments } from '../builders/function-documents.ts';

const check = createFunctionCheck(receivers);

/** Rules with the place they stand at; a rule that several places share counts at each. */
function* rulesOf(
  node: SchemaNode,
  path: string,
): Generator<{ readonly path: string; readonly cel: string; readonly message: string }> {
  for (const { cel, message } of node.rules ?? []) yield { path, cel, message };
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* rulesOf(child, `${path}.${name}`);
  if (node.items) yield* rulesOf(node.items, `${path}[]`);
}

for (const { name, accepted, document, before } of functionDocuments) {
  test(`files are judged as the API server judges: ${name}`, () => {
    const result = check(document, before as WebhookFunction | undefined);
    assert.equal(result.ok, accepted, result.ok ? '' : JSON.stringify(result.mistakes));
  });
}

test('every rule of the CRD refuses some document with its own sentence', () => {
  const said = new Set(
    functionDocuments.flatMap(({ document, before }) => {
      const result = check(document, before as WebhookFunction | undefined);
      return result.ok ? [] : result.mistakes.map(({ message }) => message);
    }),
  );
  const silent = [...rulesOf(functionSchema(receivers), '')].filter(({ message }) => !said.has(message));
  assert.deepEqual(silent, []);
});

test('CEL of a rule names only fields that its object has', () => {
  const problems: string[] = [];
  const visit = (node: SchemaNode, path: string): void => {
    for (const { cel } of node.rules ?? []) {
      for (const [, field = ''] of cel.matchAll(/\b(?:self|oldSelf)\.(\w+)/g)) {
        if (!Object.hasOwn(node.properties ?? {}, field)) problems.push(`${path}: ${field} of ${cel}`);
      }
    }
    for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${name}`);
    if (node.items) visit(node.items, `${path}[]`);
  };
  visit(functionSchema(receivers), '');
  visit(subscriptionSchema, 'subscription');
  assert.deepEqual(problems, []);
});
