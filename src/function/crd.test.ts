import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { crd, crdYaml, toOpenApi } from './crd.ts';
import type { ReceiverSchemas } from './schema-receivers.ts';
import { functionSchema } from './schema.ts';

const receivers: ReceiverSchemas = new Map([
  ['open', { profile: { name: 'open', title: 'Anyone', secretsRequired: 0 }, fields: {}, required: [] }],
  [
    'github',
    { profile: { name: 'github', title: 'GitHub', secretsRequired: 1 }, fields: {}, required: ['secretRefs'] },
  ],
]);

interface OpenApi {
  readonly properties?: Readonly<Record<string, OpenApi>>;
  readonly items?: OpenApi;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
}

const spec = (toOpenApi(functionSchema(receivers)) as OpenApi).properties?.spec;

test('the file holds the definition and nothing that a YAML reader could take for an alias', () => {
  const text = crdYaml(receivers);
  assert.deepEqual(parse(text), JSON.parse(JSON.stringify(crd(receivers))));
  assert.doesNotMatch(text, /^\s*(- )?[\w-]*:? ?[&*]\w+$/m);
});

test('fields of local files and words of our own are not in it', () => {
  const text = crdYaml(receivers);
  assert.equal(spec?.properties?.codeFrom?.properties?.file, undefined);
  assert.ok(spec?.properties?.codeFrom?.properties?.configMapKeyRef);
  assert.doesNotMatch(text, /localOnly|expected:|rules:/);
});

test('the status has a default, so that a new object is not ready, and nothing else has one', () => {
  const text = crdYaml(receivers);
  assert.equal(text.match(/^\s*default:/gm)?.length, 1);
  assert.match(text, /reason: Pending/);
});

test('the receivers of the argument are the keys of receiver', () => {
  const receiver = spec?.properties?.triggers?.items?.properties?.http?.properties?.receiver;
  assert.deepEqual(Object.keys(receiver?.properties ?? {}), ['open', 'github']);
  assert.deepEqual(
    receiver?.['x-kubernetes-validations']?.map(({ rule }) => rule),
    ['[has(self.open), has(self.github)].exists_one(x, x)'],
  );
});
