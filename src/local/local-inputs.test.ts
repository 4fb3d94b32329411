import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFunctionCheck } from '../function/check-function.ts';
import { receivers } from '../receivers/catalogue.ts';
import { fileKey, referenceKey } from '../routing/read-references.ts';
import type { ReferencedObject } from '../routing/types.ts';
import { documentCheck } from './check-document.ts';
import type { FileContent } from './folder.ts';
import type { SourceSnapshot } from './folder-source.ts';
import { createLocalInputs } from './local-inputs.ts';
import { readDocuments } from './read-documents.ts';

const check = documentCheck(createFunctionCheck(receivers));

function snapshot(text: string, codeFiles: Record<string, FileContent> = {}): SourceSnapshot {
  const { documents, diagnostics } = readDocuments('team/hooks.yaml', text, check);
  assert.deepEqual(diagnostics, []);
  return { documents, diagnostics, codeFiles: new Map(Object.entries(codeFiles)) };
}

const hook = (name: string, spec = 'code: return function() end'): string =>
  `---\napiVersion: moonhook.dev/v1alpha1\nkind: WebhookFunction\nmetadata: { name: ${name}, namespace: team-a }\nspec:\n  ${spec}\n`;

const dataOf = (object: ReferencedObject | undefined): Record<string, string> => {
  assert.ok(object?.state === 'found');
  return Object.fromEntries([...object.data].map(([key, bytes]) => [key, Buffer.from(bytes).toString()]));
};

const none = new Map<string, string>();

test('a function has the same uid in every run, another one another', () => {
  const [first, second] = createLocalInputs(() => 0).make(snapshot(hook('a') + hook('b')), none).functions;
  const [again] = createLocalInputs(() => 9).make(snapshot(hook('a')), none).functions;
  assert.match(
    first?.resource.metadata.uid ?? '',
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.equal(first?.resource.metadata.uid, again?.resource.metadata.uid);
  assert.notEqual(first?.resource.metadata.uid, second?.resource.metadata.uid);
  assert.equal(first?.namespaceUid, second?.namespaceUid);
});

test('the generation grows with the spec only, and the time of the first sight stays', () => {
  let now = 1000;
  const inputs = createLocalInputs(() => now);
  const generationOf = (text: string): string => {
    const [input] = inputs.make(snapshot(text), none).functions;
    return `${input?.resource.metadata.generation} ${input?.resource.metadata.creationTimestamp}`;
  };
  assert.equal(generationOf(hook('a')), '1 1970-01-01T00:00:01.000Z');
  now = 2000;
  assert.equal(generationOf(`# moved\n${hook('a')}`), '1 1970-01-01T00:00:01.000Z');
  assert.equal(generationOf(hook('a', 'code: return { x = 1 }')), '2 1970-01-01T00:00:01.000Z');
});

test('an unchanged document gives the same input object', () => {
  const inputs = createLocalInputs(() => 0);
  const same = snapshot(hook('a'));
  assert.equal(inputs.make(same, none).functions[0], inputs.make(same, none).functions[0]);
});

test('files of code are references of the function that names them', () => {
  const text = hook('a', 'codeFrom: { file: ../src/a.lua }') + hook('b', 'codeFrom: { file: b.lua }');
  const { functions, references } = createLocalInputs(() => 0).make(
    snapshot(text, {
      'src/a.lua': { kind: 'text', text: 'return 1' },
      'team/b.lua': { kind: 'refused', message: 'no' },
    }),
    none,
  );
  const found = references.get(fileKey('team-a', 'a', '../src/a.lua'));
  assert.deepEqual(dataOf(found), { '': 'return 1' });
  assert.deepEqual(functions[0]?.codeOrigins?.get(''), { file: 'src/a.lua', lineOffset: 0, columnOffset: 0 });
  assert.deepEqual(references.get(fileKey('team-a', 'b', 'b.lua')), {
    state: 'problem',
    reason: 'FileUnreadable',
    message: 'team/b.lua cannot be used: no',
  });
});

test('secrets of the env file are there in every namespace, win over documents, and count as labelled', () => {
  const secret =
    '---\napiVersion: v1\nkind: Secret\nmetadata: { name: github, namespace: team-a }\nstringData: { token: old, other: x }\n';
  const env = new Map([
    ['github.token', 'new'],
    ['my.app.tls.crt', 'pem'],
  ]);
  const inputs = createLocalInputs(() => 0);
  const source = snapshot(hook('a') + secret);
  const { references } = inputs.make(source, env);
  const github = references.get(referenceKey('Secret', 'team-a', 'github'));
  assert.deepEqual(dataOf(github), { token: 'new', other: 'x' });
  assert.ok(github?.state === 'found' && github.labels['moonhook.dev/functions'] === 'true');
  assert.deepEqual(dataOf(references.get(referenceKey('Secret', 'team-a', 'my.app'))), { 'tls.crt': 'pem' });
  assert.deepEqual(dataOf(references.get(referenceKey('Secret', 'team-a', 'my'))), { 'app.tls.crt': 'pem' });
  assert.equal(inputs.make(source, env).references.get(referenceKey('Secret', 'team-a', 'github')), github);
});
