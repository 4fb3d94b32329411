import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { crdYaml, subscriptionCrdYaml } from '../../src/function/crd.ts';
import { schemaProblems } from '../builders/schema-problems.ts';
import { subscriptionSchema } from '../../src/function/schema-subscription.ts';
import { functionSchema } from '../../src/function/schema.ts';
import { receivers } from '../../src/receivers/catalogue.ts';

test('every field of the resources, receivers included, is described, bounded and safe to write in YAML', () => {
  assert.deepEqual(schemaProblems(functionSchema(receivers)), []);
  assert.deepEqual(schemaProblems(subscriptionSchema), []);
});

test('the CRDs in the repository are those the schemas make', () => {
  const file = (name: string): string => readFileSync(new URL(`../../crds/${name}`, import.meta.url), 'utf8');
  assert.equal(file('moonhook.dev_webhookfunctions.yaml'), crdYaml(receivers));
  assert.equal(file('moonhook.dev_webhooksubscriptions.yaml'), subscriptionCrdYaml());
});

test('the CRD fits into the annotation of kubectl apply', () => {
  // kubectl keeps the whole document in an annotation, as JSON; all annotations together have 256 KiB.
  assert.ok(Buffer.byteLength(JSON.stringify(parse(crdYaml(receivers)))) < 200_000);
});
