import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reference } from '../../test/builders/webhook-function.ts';
import type { FunctionSpec } from '../function/types.ts';
import { createReferenceReader, fileKey } from './read-references.ts';
import { codeLimits, resolveCode, type ResolvedCode } from './resolve-code.ts';
import type { CodeOrigin, ReferencedObject } from './types.ts';

function resolve(
  spec: FunctionSpec,
  references: readonly [string, ReferencedObject][] = [],
  mode: 'cluster' | 'local' = 'cluster',
  origins: ReadonlyMap<string, CodeOrigin> = new Map(),
): ResolvedCode {
  const reader = createReferenceReader({
    references: new Map(references),
    namespace: 'team-a',
    functionName: 'hook',
    mode,
    fingerprintKey: new Uint8Array(32),
  });
  return resolveCode(spec, reader, mode, origins);
}

const reasons = ({ problems }: ResolvedCode): readonly string[] =>
  problems.map(({ condition, reason, path }) => `${condition} ${reason} ${path ?? ''}`);

test('code and modules come from the resource or from ConfigMaps', () => {
  const { code, problems } = resolve(
    {
      codeFrom: { configMapKeyRef: { name: 'hooks', key: 'deploy.lua' } },
      modules: [
        { name: 'util', configMapKeyRef: { name: 'hooks', key: 'util.lua' } },
        { name: 'own', code: 'return 3' },
      ],
      modulesFrom: [{ configMapRef: { name: 'lib' } }],
    },
    [
      reference('ConfigMap', 'hooks', { 'deploy.lua': 'return 1', 'util.lua': 'return 2' }),
      reference('ConfigMap', 'lib', { 'a.lua': 'return "a"', 'b.c.lua': 'return "bc"', 'README.md': '#', '.lua': 'x' }),
    ],
  );
  assert.deepEqual(problems, []);
  assert.equal(code.code, 'return 1');
  assert.deepEqual(code.modules, { a: 'return "a"', 'b.c': 'return "bc"', util: 'return 2', own: 'return 3' });
});

test('a module of the resource wins over one of the same name in a ConfigMap', () => {
  const { code } = resolve(
    { code: '', modules: [{ name: 'a', code: 'own' }], modulesFrom: [{ configMapRef: { name: 'lib' } }] },
    [reference('ConfigMap', 'lib', { 'a.lua': 'theirs' })],
  );
  assert.deepEqual(code.modules, { a: 'own' });
});

test('the revision of the code changes with code and modules, not with their order', () => {
  const revision = (spec: FunctionSpec): string => resolve(spec).code.codeRevision;
  const a = { name: 'a', code: '1' };
  const b = { name: 'b', code: '2' };
  const base = revision({ code: 'x', modules: [a, b] });
  assert.equal(revision({ code: 'x', modules: [b, a] }), base);
  assert.notEqual(revision({ code: 'y', modules: [a, b] }), base);
  assert.notEqual(revision({ code: 'x', modules: [a] }), base);
  assert.notEqual(
    revision({
      code: 'x',
      modules: [
        { name: 'a', code: '2' },
        { name: 'b', code: '1' },
      ],
    }),
    base,
  );
});

test('a ConfigMap gives code only with consent', () => {
  const unlabelled = reference(
    'ConfigMap',
    'hooks',
    { k: 'return 1' },
    { labels: { 'moonhook.dev/functions': 'true' } },
  );
  const spec = { codeFrom: { configMapKeyRef: { name: 'hooks', key: 'k' } } };
  const refused = resolve(spec, [unlabelled]);
  assert.deepEqual(reasons(refused), ['ResolvedRefs NotConsented spec.codeFrom.configMapKeyRef']);
  assert.match(refused.problems[0]?.message ?? '', /kubectl label configmap hooks -n team-a moonhook\.dev\/code=true/);
  assert.equal(refused.code.code, '');
  assert.deepEqual(resolve(spec, [reference('ConfigMap', 'hooks', { k: 'return 1' })]).code.code, 'return 1');
});

test('files are read in a local run and refused in a cluster', () => {
  const spec: FunctionSpec = { codeFrom: { file: 'deploy.lua' }, modules: [{ name: 'm', file: 'gone.lua' }] };
  const file: [string, ReferencedObject] = [
    fileKey('team-a', 'hook', 'deploy.lua'),
    { state: 'found', labels: {}, data: new Map([['', Buffer.from('return 1')]]) },
  ];
  const origin = { file: 'team/deploy.lua', lineOffset: 0, columnOffset: 0 };
  const local = resolve(
    spec,
    [file],
    'local',
    new Map([
      ['', origin],
      ['m', origin],
    ]),
  );
  assert.deepEqual(reasons(local), ['ResolvedRefs FileNotFound spec.modules[0].file']);
  assert.deepEqual([local.code.code, local.code.origin, local.code.moduleOrigins], ['return 1', origin, undefined]);
  assert.deepEqual(reasons(resolve(spec, [file], 'cluster')), [
    'Accepted Invalid spec.codeFrom.file',
    'Accepted Invalid spec.modules[0].file',
  ]);
});

test('sizes are counted in bytes, at the border', () => {
  const bytes = (count: number): string => 'ä'.repeat(count / 2);
  assert.deepEqual(reasons(resolve({ code: bytes(codeLimits.codeBytes) })), []);
  assert.deepEqual(reasons(resolve({ code: bytes(codeLimits.codeBytes + 2) })), ['Accepted CodeTooLarge spec.code']);
  const modules = (last: number) =>
    [...Array(7).fill(codeLimits.codeBytes), last].map((size: number, index) => ({
      name: `m${index}`,
      code: bytes(size),
    }));
  assert.deepEqual(reasons(resolve({ code: '', modules: modules(codeLimits.codeBytes) })), []);
  assert.deepEqual(reasons(resolve({ code: 'xx', modules: modules(codeLimits.codeBytes) })), [
    'Accepted CodeTooLarge spec.modules',
  ]);
});

test('precompiled code and a ConfigMap without modules are said', () => {
  const bytecode = reference('ConfigMap', 'hooks', { k: new Uint8Array([0x1b, 0x4c, 0x75, 0x61, 0xff]) });
  assert.deepEqual(reasons(resolve({ codeFrom: { configMapKeyRef: { name: 'hooks', key: 'k' } } }, [bytecode])), [
    'ResolvedRefs CodeNotText spec.codeFrom.configMapKeyRef',
  ]);
  const empty = resolve({ code: '', modulesFrom: [{ configMapRef: { name: 'lib' } }] }, [
    reference('ConfigMap', 'lib', { a: '' }),
  ]);
  assert.match(empty.warnings[0] ?? '', /no key that ends in \.lua/);
});
