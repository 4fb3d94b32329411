import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../kube-object.ts';
import { keepText } from './watched-object.ts';

const metadata = {
  name: 'a',
  namespace: 'team-a',
  uid: 'u',
  resourceVersion: '7',
  annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"stringData":{"p":"hidden"}}', note: 'x' },
  managedFields: [{ manager: 'kubectl' }],
};

test('an item of a list is given its kind, and what only the API server needs goes', () => {
  const { text, metadata: kept } = keepText({ apiVersion: 'v1', kind: 'ConfigMap' })({
    metadata,
    data: { k: 'v' },
  } as KubeObject);
  const told = JSON.parse(text) as Readonly<Record<string, unknown>>;
  assert.deepEqual(kept, { name: 'a', namespace: 'team-a', uid: 'u', resourceVersion: '7' });
  assert.equal(told['kind'], 'ConfigMap');
  assert.deepEqual(told['data'], { k: 'v' });
  assert.equal(text.includes('managedFields'), false);
  assert.match(text, /hidden/, 'the control: annotations of other kinds stay');
});

test('nothing of a Secret but its metadata is kept, whatever the API server sends', () => {
  const keep = keepText({ apiVersion: 'v1', kind: 'Secret' });
  const { text } = keep({ kind: 'PartialObjectMetadata', metadata, data: { p: 'aGlkZGVu' } } as KubeObject);
  const told = JSON.parse(text) as { readonly kind: string; readonly metadata: { readonly annotations?: unknown } };
  assert.equal(told.kind, 'Secret');
  assert.deepEqual(told.metadata.annotations, { note: 'x' });
  assert.equal(/hidden|aGlkZGVu/.test(text), false);
});
