import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFunctionCheck } from '../../src/function/check-function.ts';
import { createSubscriptionCheck } from '../../src/function/check-subscription.ts';
import type { Mistake } from '../../src/function/mistakes.ts';
import type { SchemaNode } from '../../src/function/schema-node.ts';
import { subscriptionSchema } from '../../src/function/schema-subscription.ts';
import { functionSchema } from '../../src/function/schema.ts';
import type { WebhookFunction } from '../../src/function/types.ts';
import { receivers } from '../../src/receivers/catalogue.ts';
import { functionDocuments } from '../builders/function-documents.ts';
import { subscriptionDocuments } from '../builders/subscription-documents.ts';

const checkFunction = createFunctionCheck(receivers);
const kinds = {
  WebhookFunction: {
    documents: functionDocuments,
    check: (document: unknown, before: unknown): readonly Mistake[] => {
      const result = checkFunction(document, before as WebhookFunction | undefined);
      return result.ok ? [] : result.mistakes;
    },
    schema: functionSchema(receivers),
  },
  WebhookSubscription: {
    documents: subscriptionDocuments,
    check: createSubscriptionCheck(),
    schema: subscriptionSchema,
  },
};

/** Rules with the place they stand at; a rule that several places share counts at each. */
function* rulesOf(
  node: SchemaNode,
  path: string,
): Generator<{ readonly path: string; readonly cel: string; readonly message: string }> {
  for (const { cel, message } of node.rules ?? []) yield { path, cel, message };
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* rulesOf(child, `${path}.${name}`);
  if (node.items) yield* rulesOf(node.items, `${path}[]`);
}

for (const [kind, { documents, check, schema }] of Object.entries(kinds)) {
  for (const { name, accepted, document, before } of documents) {
    test(`files are judged as the API server judges: ${kind}, ${name}`, () => {
      const mistakes = check(document, before);
      assert.equal(mistakes.length === 0, accepted, JSON.stringify(mistakes));
    });
  }

  test(`every rule of the CRD of ${kind} refuses some document with its own sentence`, () => {
    const said = new Set(
      documents.flatMap(({ document, before }) => check(document, before).map(({ message }) => message)),
    );
    const rules = [...rulesOf(schema, '')];
    assert.ok(rules.length > 3);
    assert.deepEqual(
      rules.filter(({ message }) => !said.has(message)),
      [],
    );
  });
}

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
