import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reference } from '../../test/builders/webhook-function.ts';
import type { FunctionSpec } from '../function/types.ts';
import { createReferenceReader, referenceKey } from './read-references.ts';
import { resolveEnv, type ResolvedEnv } from './resolve-env.ts';
import type { ReferencedObject } from './types.ts';

function resolve(
  spec: Pick<FunctionSpec, 'env' | 'envFrom'>,
  references: readonly [string, ReferencedObject][] = [],
  mode: 'cluster' | 'local' = 'cluster',
): ResolvedEnv & { readonly allWarnings: readonly string[] } {
  const reader = createReferenceReader({
    references: new Map(references),
    namespace: 'team-a',
    functionName: 'hook',
    mode,
    fingerprintKey: new Uint8Array(32),
  });
  const resolved = resolveEnv(spec, reader);
  return { ...resolved, allWarnings: [...resolved.warnings, ...reader.warnings] };
}

const secret = reference('Secret', 's', { A: 'secret-a', B: 'secret-b' });
const config = reference('ConfigMap', 'c', { A: 'config-a', C: 'config-c' });

test('env wins over envFrom, later over earlier, as in Kubernetes', () => {
  const fromBoth = resolve({ envFrom: [{ secretRef: { name: 's' } }, { configMapRef: { name: 'c' } }] }, [
    secret,
    config,
  ]);
  assert.deepEqual(fromBoth.env, { A: 'config-a', B: 'secret-b', C: 'config-c' });
  assert.deepEqual(fromBoth.secretEnv, ['B'], 'a value that came last from a ConfigMap is no secret');
  const named = resolve(
    {
      env: [
        { name: 'A', value: 'first' },
        { name: 'A', value: 'second' },
      ],
      envFrom: [{ secretRef: { name: 's' } }],
    },
    [secret],
  );
  assert.deepEqual(named.env, { A: 'second', B: 'secret-b' });
  assert.deepEqual(named.secretEnv, ['B']);
});

test('a prefix is put before each key', () => {
  const { env, secretEnv } = resolve({ envFrom: [{ prefix: 'DB_', secretRef: { name: 's' } }] }, [secret]);
  assert.deepEqual(env, { DB_A: 'secret-a', DB_B: 'secret-b' });
  assert.deepEqual(secretEnv, ['DB_A', 'DB_B']);
});

test('keys that cannot be names are left out and said', () => {
  const { env, problems, allWarnings } = resolve({ envFrom: [{ configMapRef: { name: 'c' } }] }, [
    reference('ConfigMap', 'c', { '1st': 'x', good: 'y', 'a.b': 'z' }),
  ]);
  assert.deepEqual(env, { good: 'y', 'a.b': 'z' });
  assert.deepEqual(problems, []);
  assert.deepEqual(allWarnings, ['spec.envFrom[0]: left out, not a variable name: 1st']);
});

test('an invalid name in env is the mistake of the resource', () => {
  const { problems } = resolve({ env: [{ name: '1st', value: 'x' }] });
  assert.deepEqual(
    problems.map(({ condition, reason, path }) => [condition, reason, path]),
    [['Accepted', 'Invalid', 'spec.env[0].name']],
  );
});

test('what is missing is named, down to the key', () => {
  const { problems } = resolve(
    {
      env: [
        { name: 'A', valueFrom: { secretKeyRef: { name: 'gone', key: 'k' } } },
        { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'gone' } } },
        { name: 'C', valueFrom: { configMapKeyRef: { name: 'gone', key: 'k' } } },
      ],
      envFrom: [{ configMapRef: { name: 'gone' } }],
    },
    [secret],
  );
  assert.deepEqual(
    problems.map(({ condition, reason, path }) => `${condition} ${reason} ${path ?? ''}`),
    [
      'ResolvedRefs ConfigMapNotFound spec.envFrom[0].configMapRef',
      'ResolvedRefs SecretNotFound spec.env[0].valueFrom.secretKeyRef',
      'ResolvedRefs SecretKeyNotFound spec.env[1].valueFrom.secretKeyRef',
      'ResolvedRefs ConfigMapNotFound spec.env[2].valueFrom.configMapKeyRef',
    ],
  );
  assert.match(problems[2]?.message ?? '', /no key "gone"; it has A, B$/);
  assert.ok(!JSON.stringify(problems).includes('secret-a'));
});

test('a Secret without consent is refused with the command that gives it; on one machine it is a warning', () => {
  const unlabelled = reference('Secret', 's', { A: 'secret-a' }, { labels: {} });
  const spec = { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'A' } } }] };
  const cluster = resolve(spec, [unlabelled]);
  assert.deepEqual(cluster.env, {});
  assert.equal(cluster.problems[0]?.reason, 'NotConsented');
  assert.match(
    cluster.problems[0]?.message ?? '',
    /run: kubectl label secret s -n team-a moonhook\.dev\/functions=true$/,
  );
  const local = resolve(spec, [unlabelled], 'local');
  assert.deepEqual([local.env, local.problems], [{ A: 'secret-a' }, []]);
  assert.match(local.allWarnings[0] ?? '', /^spec\.env\[0\].*in a cluster this would not work.*kubectl label secret s/);
});

test('a label with another value than "true" is no consent', () => {
  const labelled = reference('Secret', 's', { A: 'x' }, { labels: { 'moonhook.dev/functions': 'yes' } });
  const spec = { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'A' } } }] };
  assert.equal(resolve(spec, [labelled]).problems[0]?.reason, 'NotConsented');
});

test('tokens of accounts and nodes, and releases of Helm, are never given, consent or not', () => {
  const spec = { envFrom: [{ secretRef: { name: 's' } }] };
  for (const type of ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token', 'helm.sh/release.v1']) {
    for (const mode of ['cluster', 'local'] as const) {
      const { env, problems } = resolve(spec, [reference('Secret', 's', { A: 'x' }, { type })], mode);
      assert.deepEqual([env, problems[0]?.reason], [{}, 'SecretTypeRefused'], type);
    }
  }
  const opaque = resolve(spec, [reference('Secret', 's', { A: 'x' }, { type: 'Opaque' })]);
  assert.deepEqual(opaque.env, { A: 'x' }, 'the control: an ordinary one is given');
});

test('an object of another namespace is not there', () => {
  const spec = { envFrom: [{ secretRef: { name: 's' } }] };
  const foreign = reference('Secret', 's', { A: 'x' }, { namespace: 'team-b' });
  assert.equal(resolve(spec, [foreign]).problems[0]?.reason, 'SecretNotFound');
});

test('what its source could not read keeps the reason of the source', () => {
  const key = referenceKey('Secret', 'team-a', 's');
  const forbidden: ReferencedObject = {
    state: 'problem',
    reason: 'Forbidden',
    message: 'run kubectl auth can-i get secrets',
  };
  const { problems } = resolve({ envFrom: [{ secretRef: { name: 's' } }] }, [[key, forbidden]]);
  assert.deepEqual([problems[0]?.reason, problems[0]?.message], ['Forbidden', 'run kubectl auth can-i get secrets']);
});

test('values that are not text are refused, and names such as __proto__ are ordinary', () => {
  const binary = resolve({ envFrom: [{ secretRef: { name: 's' } }] }, [
    reference('Secret', 's', { A: new Uint8Array([0xff, 0xfe]), B: 'b\u0000b' }),
  ]);
  assert.equal(binary.problems[0]?.reason, 'ValueNotText');
  assert.deepEqual(binary.env, { B: 'b\u0000b' });
  const odd = resolve({
    env: [
      { name: '__proto__', value: 'x' },
      { name: 'constructor', value: 'y' },
    ],
  });
  assert.deepEqual(Object.entries(odd.env), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});
