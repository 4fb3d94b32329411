import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crdYaml } from '../../src/function/crd.ts';
import { schemaProblems } from '../../src/function/schema-problems.ts';
import { functionSchema } from '../../src/function/schema.ts';
import { receivers } from '../../src/receivers/catalogue.ts';

test('every field of the resource, receivers included, is described, bounded and safe to write in YAML', () => {
  assert.deepEqual(schemaProblems(functionSchema(receivers)), []);
});

test('the CRD in the repository is the one the schema makes', () => {
  const file = new URL('../../crds/moonhook.dev_webhookfunctions.yaml', import.meta.url);
  assert.equal(readFileSync(file, 'utf8'), crdYaml(receivers));
});

test('the CRD fits into the annotation of kubectl apply', () => {
  // kubectl keeps the whole document in an annotation; all annotations together have 256 KiB.
  assert.ok(Buffer.byteLength(crdYaml(receivers)) < 200_000);
});
