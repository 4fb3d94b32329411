import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFunctionCheck } from '../function/check-function.ts';
import { receivers } from '../receivers/catalogue.ts';
import { documentCheck } from './check-document.ts';
import { formatDiagnostic } from './diagnostic.ts';
import { readDocuments } from './read-documents.ts';
import type { FileReading } from './source-documents.ts';

const check = documentCheck(createFunctionCheck(receivers));
const read = (text: string): FileReading => readDocuments('hooks.yaml', text, check);
const linesOf = (text: string): readonly string[] => read(text).diagnostics.map(formatDiagnostic);

const hello = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: hello }
spec:
  code: |
    return function(event) return "hi" end
  triggers:
    - name: web
      http: { path: hello, receiver: { open: {} } }
`;

test('functions, ConfigMaps and Secrets are read; files without a namespace are in default', () => {
  const reading = read(
    `${hello}---
apiVersion: v1
kind: Secret
metadata: { name: s, namespace: team-a, labels: { moonhook.dev/functions: "true" } }
data: { a: c2VjcmV0 }
stringData: { b: plain }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: c }
data: { k: "v" }
`,
  );
  assert.deepEqual(reading.diagnostics, []);
  assert.deepEqual(
    reading.documents.map(({ identity }) => identity),
    ['WebhookFunction/default/hello', 'Secret/team-a/s', 'ConfigMap/default/c'],
  );
  const secret = reading.documents[1];
  assert.ok(secret?.kind === 'Secret');
  assert.deepEqual(
    [...secret.entries].map(([key, bytes]) => [key, Buffer.from(bytes).toString()]),
    [
      ['a', 'secret'],
      ['b', 'plain'],
    ],
  );
  assert.deepEqual(secret.labels, { 'moonhook.dev/functions': 'true' });
});

test('a misspelt field is named at its place, with the right name', () => {
  assert.deepEqual(linesOf(hello.replace('receiver:', 'recevier:')), [
    'hooks.yaml:9:28: error: spec.triggers[0].http.recevier: unknown field "recevier" (did you mean "receiver"?)',
  ]);
  assert.match(
    linesOf(hello.replace('{ open: {} }', '{ githb: {} }'))[0] ?? '',
    /^hooks\.yaml:9:40: error: .*unknown field "githb" \(did you mean "github"\?\)$/,
  );
});

test('a size without its unit is a warning, and the function is taken', () => {
  const limits = '  limits: { memory: 16, log: "64", requestBody: 2048, cpuTime: 1s }\n  triggers:';
  const { diagnostics, documents } = read(
    hello.replace('  triggers:', limits).replace('name: web', 'name: web\n      limits: { responseBody: 4 }'),
  );
  assert.deepEqual(diagnostics.map(formatDiagnostic), [
    'hooks.yaml:7:13: warning: spec.limits.memory: 16 is 16 bytes (did you mean 16Mi?)',
    'hooks.yaml:7:25: warning: spec.limits.log: 64 is 64 bytes (did you mean 64Ki?)',
    'hooks.yaml:10:17: warning: spec.triggers[0].limits.responseBody: 4 is 4 bytes (did you mean 4Mi?)',
  ]);
  assert.equal(documents.length, 1);
});

test('a wrong type is named at its place', () => {
  assert.match(
    linesOf(hello.replace('path: hello', 'path: 7'))[0] ?? '',
    /^hooks\.yaml:9:15: error: spec\.triggers\[0\]\.http\.path: must be text, not the number 7 \(write it in quotes: "7"\)$/,
  );
});

test('a misspelt kind of ours is an error with the right one, other kinds are notes', () => {
  assert.match(
    linesOf(hello.replace('WebhookFunction', 'WebhookFuncton'))[0] ?? '',
    /^hooks\.yaml:2:1: error: unknown kind "WebhookFuncton" \(did you mean "WebhookFunction"\?\)$/,
  );
  assert.match(
    linesOf('apiVersion: v1\nkind: Secrets\n')[0] ?? '',
    /error: unknown kind "Secrets" \(did you mean "Secret"\?\)/,
  );
  assert.match(
    linesOf('apiVersion: moonhook.dev/v1alpha1\nkind: Secret\n')[0] ?? '',
    /^hooks\.yaml:1:1: error: Secret is not of "moonhook\.dev\/v1alpha1" \(write apiVersion: v1\)$/,
  );
  assert.match(
    linesOf('apiVersion: apps/v1\nkind: Deployment\nspec: { on: yes }\n')[0] ?? '',
    /note: Deployment is not a kind of a local run: passed over$/,
  );
  assert.match(linesOf('services: { a: {} }\n')[0] ?? '', /note: not a Kubernetes object \(it has no kind\)/);
  assert.match(linesOf(hello.replace('kind: WebhookFunction\n', ''))[0] ?? '', /error: the field "kind" is missing/);
  assert.match(
    linesOf(hello.replace('v1alpha1', 'v1'))[0] ?? '',
    /1:1: error: WebhookFunction is not of "moonhook\.dev\/v1" \(write/,
  );
});

test('what YAML versions read differently is refused in our kinds', () => {
  assert.match(
    linesOf(hello.replace('path: hello', 'path: on'))[0] ?? '',
    /^hooks\.yaml:9:21: error: `on` is true in YAML 1\.1 and text in YAML 1\.2/,
  );
});

test('a name that is missing, misplaced or too long is told where it belongs', () => {
  const say = (from: string | RegExp, to: string): string => {
    const { diagnostics } = read(hello.replace(from, to));
    return formatDiagnostic(diagnostics[0]!);
  };
  assert.match(say('metadata:', 'metdata:'), /:\d+:1: error: unknown field "metdata" \(did you mean "metadata"\?\)$/);
  assert.match(
    say(/metadata: .*/, 'metadata: {}'),
    /: error: the field "metadata\.name" is missing \(a name is made of /,
  );
  assert.match(
    say('name: hello', `name: ${'a'.repeat(254)}`),
    /: error: text of 254 characters is not a name .*at most 253/,
  );
  assert.match(say('name: hello', 'name: 7'), /: error: 7 is not a name/);
});

test('a broken document with a name is known by it, one without makes the whole file unreadable', () => {
  const named = read(hello.replace('receiver:', 'recevier:'));
  assert.deepEqual(
    [named.broken, named.unreadable, named.documents.length],
    [['WebhookFunction/default/hello'], false, 0],
  );
  assert.equal(read(hello.replace('name: hello', 'name: Hello')).unreadable, true);
  assert.equal(read(`${hello}---\na: "open\n`).unreadable, true);
  assert.equal(read(`${hello}---\na: "open\n`).documents.length, 1);
});

test('a List as `kubectl get -o yaml` writes it is read, with the places of its items', () => {
  const items = hello.replaceAll(/^/gm, '    ').trimEnd().replace('    apiVersion', '  - apiVersion');
  assert.deepEqual(
    read(`apiVersion: v1\nkind: List\nitems:\n${items}\n`).documents.map(({ identity }) => identity),
    ['WebhookFunction/default/hello'],
  );
  assert.match(
    linesOf(`apiVersion: v1\nkind: List\nitems:\n${items.replace('code:', 'cod:')}\n`)[0] ?? '',
    /^hooks\.yaml:8:7: error: spec\.cod: unknown field "cod" \(did you mean "code"\?\)/,
  );
});

test('mistakes in a Secret are named without its values', () => {
  const value = 'not-base64-s3cret!';
  const lines = linesOf(
    `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { a: ${value}, "b c": eA==, d: 7 }\nstringdata: { e: ${value} }\n`,
  );
  assert.deepEqual(
    lines.map((line) => line.replace(/^hooks\.yaml:/, '')),
    [
      '5:1: error: stringdata: unknown field "stringdata" of a Secret (did you mean "stringData"?)',
      '4:9: error: data.a: not base64 (put plain text under stringData)',
      '4:32: error: data["b c"]: a key may hold letters, digits, `-`, `_` and `.`',
      '4:45: error: data.d: must be text, not a number (put it in quotes)',
    ],
  );
  for (const line of lines) assert.ok(!line.includes(value));
});

/** Every path of a value that has members or is one. */
function* pathsOf(value: unknown, path: readonly (string | number)[] = []): Generator<readonly (string | number)[]> {
  if (path.length > 0) yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value))
    yield* pathsOf(member, [...path, Array.isArray(value) ? Number(key) : key]);
}

function replaceAt(value: unknown, [step, ...rest]: readonly (string | number)[], by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) return value.map((item, at) => (at === step ? replaceAt(item, rest, by) : item));
  const fields = value as Readonly<Record<string, unknown>>;
  return { ...fields, [step]: replaceAt(fields[step], rest, by) };
}

test('a value of any wrong type at any place is a mistake with its place, never a crash', () => {
  const key = { name: 'a', key: 'b' };
  const http = { path: 'a', methods: ['POST'], receiver: { github: { secretRefs: [key], events: ['push'] } } };
  const metadata = { name: 'a', namespace: 'team-a', labels: { a: 'b' }, annotations: { c: 'd' } };
  const modules = [
    { name: 'util', code: 'return {}' },
    { name: 'more', file: 'more.lua' },
  ];
  const spec = {
    codeFrom: { file: 'a.lua' },
    modules,
    modulesFrom: [{ configMapRef: { name: 'a' } }],
    env: [{ name: 'A', valueFrom: { secretKeyRef: key } }],
    envFrom: [{ configMapRef: { name: 'a' } }],
    limits: { timeout: '1s' },
    egress: { allow: ['a.example.com'] },
    retry: { schedule: ['5s'] },
    triggers: [
      { name: 'web', filter: 'true', http, limits: { timeout: '1s' } },
      { name: 'tick', schedule: { cron: '0 3 * * *', data: { a: 1 } } },
      { name: 'bus', event: { type: 'com.acme.*' } },
    ],
  };
  const version = 'moonhook.dev/v1alpha1';
  const documents: readonly Readonly<Record<string, unknown>>[] = [
    { apiVersion: version, kind: 'WebhookFunction', metadata, spec },
    { apiVersion: version, kind: 'WebhookFunction', metadata, spec: { code: 'return function() end', modules } },
    {
      apiVersion: version,
      kind: 'WebhookSubscription',
      metadata,
      spec: { url: 'https://a.example.com', events: ['com.acme.*'], filter: 'true', secretRefs: [key] },
    },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' }, binaryData: { c: 'YQ==' } },
    { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: { a: 'YQ==' }, stringData: { b: 'c' } },
  ];
  let refused = 0;
  for (const document of documents) {
    assert.deepEqual(linesOf(JSON.stringify(document)), [], 'control: it is right as it is');
    for (const path of pathsOf(document)) {
      for (const wrong of [null, true, 7, '', 'abc', [], [null], [7], {}, { a: 7 }]) {
        const text = JSON.stringify(replaceAt(document, path, wrong));
        for (const { severity, line, column } of read(text).diagnostics) {
          if (severity === 'error') refused += 1;
          assert.ok(line === 1 && column !== undefined, text);
        }
      }
    }
  }
  assert.ok(refused > 1000, `${refused} mistakes`);
});
