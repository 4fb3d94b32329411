/** Objects that stand for a cluster answer as an API server does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesAnswer, KubernetesArguments, KubernetesQuestion } from '../host/kubernetes-types.ts';
import { createObjectTable, readObjects } from './try-objects.ts';

const given = `apiVersion: v1
kind: Pod
metadata: { name: web-1, labels: { app: web, tier: front } }
log: |
  one
  two
  three
status: { phase: Running }
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Pod, metadata: { name: db-1, namespace: data, labels: { app: db } } }
  - { apiVersion: apps/v1, kind: Deployment, metadata: { name: web }, spec: { replicas: 2 } }
`;

function table() {
  const read = readObjects(given);
  assert.ok(read.ok);
  const objects = createObjectTable(read.objects, 'team');
  const ask = (operation: KubernetesQuestion['operation'], wanted: Partial<KubernetesArguments>): KubernetesAnswer =>
    objects.answer({
      callId: 'c',
      revision: 'r',
      operation,
      arguments: { apiVersion: 'v1', kind: 'Pod', ...wanted },
    });
  return { objects, ask };
}

const valueOf = (answer: KubernetesAnswer): Record<string, Record<string, unknown>> => {
  assert.ok(answer.ok, answer.ok ? '' : answer.message);
  return JSON.parse(answer.text) as Record<string, Record<string, unknown>>;
};
const reasonOf = (answer: KubernetesAnswer): string | undefined => (answer.ok ? 'ok' : answer.reason);

test('objects are found by kind, namespace, name and labels', () => {
  const { ask } = table();
  assert.equal(valueOf(ask('get', { name: 'web-1' }))['status']?.['phase'], 'Running');
  assert.equal(reasonOf(ask('get', { name: 'db-1' })), 'NotFound');
  assert.equal(valueOf(ask('get', { name: 'db-1', namespace: 'data' }))['metadata']?.['name'], 'db-1');
  const count = (labelSelector: string): number => {
    const items: unknown = valueOf(ask('list', { labelSelector }))['items'];
    return Array.isArray(items) ? items.length : -1;
  };
  assert.equal(count('app=web,tier!=back'), 1);
  assert.equal(count('app in (db, web)'), 1);
  assert.equal(count('app notin (web)'), 0);
  assert.equal(count('!tier'), 0);
  assert.equal(
    ask('logs', { name: 'web-1', tail: 2 }).ok && (ask('logs', { name: 'web-1', tail: 2 }) as { text: string }).text,
    'two\nthree',
  );
});

test('what is written is read afterwards, and contradictions are refused as the API server refuses them', () => {
  const { ask, objects } = table();
  const config = { apiVersion: 'v1', kind: 'ConfigMap', name: 'seen' };
  assert.equal(reasonOf(ask('create', { ...config, body: '{"data":{"a":"1"}}' })), 'ok');
  assert.equal(reasonOf(ask('create', { ...config, body: '{}' })), 'AlreadyExists');
  const patched = valueOf(ask('patch', { ...config, body: '{"data":{"a":null,"b":"2"}}' }));
  assert.deepEqual(patched['data'], { b: '2' });
  const old = JSON.stringify({ ...patched, metadata: { ...patched['metadata'], resourceVersion: '1' } });
  assert.equal(reasonOf(ask('update', { ...config, body: old })), 'Conflict');
  assert.equal(reasonOf(ask('update', { ...config, body: JSON.stringify(patched) })), 'ok');
  const steps = '[{"op":"add","path":"/data/c~1d","value":"3"},{"op":"remove","path":"/data/b"}]';
  assert.deepEqual(valueOf(ask('patch', { ...config, type: 'json', body: steps }))['data'], { 'c/d': '3' });
  assert.equal(reasonOf(ask('patch', { ...config, type: 'json', body: '[{"op":"remove","path":"/x"}]' })), 'Invalid');
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', subresource: 'scale' };
  assert.deepEqual(valueOf(ask('patch', { ...deployment, body: '{"spec":{"replicas":5}}' }))['spec'], { replicas: 5 });
  assert.equal(reasonOf(ask('delete', config)), 'ok');
  assert.equal(reasonOf(ask('delete', config)), 'NotFound');
  assert.equal(objects.calls.length, 10);
  assert.deepEqual(objects.calls.at(-1)?.result, 'NotFound');
});

test('a name that is a trap of JavaScript is a name', () => {
  const { ask } = table();
  const steps = '[{"op":"add","path":"/__proto__/polluted","value":true}]';
  ask('patch', { name: 'web-1', type: 'json', body: steps });
  ask('patch', { name: 'web-1', body: '{"__proto__":{"polluted":true}}' });
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test('what is no object is refused with what it lacks', () => {
  const lacking = readObjects('kind: Pod\n');
  assert.match(lacking.ok ? '' : lacking.message, /each needs apiVersion, kind and metadata\.name/);
  assert.equal(readObjects('a: [').ok, false);
  assert.ok(readObjects('').ok);
});

test('what a function sends ends no process: strange steps, copies of copies, depth', () => {
  const { ask } = table();
  const patch = (steps: readonly unknown[]): string | undefined =>
    reasonOf(ask('patch', { name: 'web-1', type: 'json', body: JSON.stringify(steps) }));
  assert.equal(patch([null]), 'Invalid');
  const copies = (count: number): unknown[] =>
    Array.from({ length: count }, (_, index) => ({ op: 'copy', from: '', path: `/m${index}` }));
  assert.equal(patch(copies(40)), 'Invalid');
  assert.equal(reasonOf(ask('patch', { name: 'web-1', type: 'merge', body: '{' })), 'BadRequest');
  const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
  assert.equal(reasonOf(ask('patch', { name: 'web-1', type: 'merge', body: deep })), 'BadRequest');
  assert.equal(patch(copies(4)), 'ok');
});
