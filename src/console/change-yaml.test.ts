/** One value changed in a text: the rest of the text stays, and what it says is what was wanted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { changeYaml, type YamlPath } from './page/edit/change-yaml.ts';

const text = `# Owned by the payments team.
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: hook } # short
spec:
  code: |
    return function() end -- not "YAML"

  triggers:
    # From GitHub.
    - name: push # the name
      http:
        path: 'gh'   # quoted
        receiver:
          github:
            secretRefs: [{ name: github, key: token }]
    - { name: web, http: { path: web, receiver: { open: {} } } }
    - name: nightly
      schedule:
        cron: "0 3 * * *"
---
kind: ConfigMap
apiVersion: v1
metadata: { name: other }
data: { a: "1" }
`;
const hook = { namespace: 'default', name: 'hook' };
const change = (path: YamlPath, value: unknown): string => changeYaml(text, hook, path, value);

/** Lines that differ, as a person would see them. */
function difference(after: string, before = text): readonly string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `-${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+${line}`),
  ];
}

test('a scalar is replaced in its quotes and beside its comment', () => {
  assert.deepEqual(difference(change(['spec', 'triggers', 0, 'http', 'path'], 'github')), [
    "-        path: 'gh'   # quoted",
    "+        path: 'github'   # quoted",
  ]);
  assert.deepEqual(difference(change(['spec', 'triggers', 2, 'schedule', 'cron'], '@daily')), [
    '-        cron: "0 3 * * *"',
    '+        cron: "@daily"',
  ]);
});

test('a field is added at the end of its block, or inside of its braces', () => {
  assert.deepEqual(difference(change(['spec', 'triggers', 0, 'http', 'mode'], 'sync')), ['+        mode: sync']);
  assert.deepEqual(difference(change(['spec', 'triggers', 1, 'http', 'methods'], ['GET', 'PUT'])), [
    '-    - { name: web, http: { path: web, receiver: { open: {} } } }',
    '+    - { name: web, http: { path: web, receiver: { open: {} }, methods: [ GET, PUT ] } }',
  ]);
  assert.deepEqual(difference(change(['spec', 'limits', 'cpuTime'], '2s')), ['+  limits:', '+    cpuTime: 2s']);
});

test('a list grows and shrinks without its neighbours being touched', () => {
  const references = ['spec', 'triggers', 0, 'http', 'receiver', 'github', 'secretRefs'];
  assert.deepEqual(difference(change([...references, 1], { name: 'old', key: 'token' })), [
    '-            secretRefs: [{ name: github, key: token }]',
    '+            secretRefs: [{ name: github, key: token }, { name: old, key: token }]',
  ]);
  assert.deepEqual(difference(change(['spec', 'triggers', 3], { name: 'made', event: { type: 'order.*' } })), [
    '+    - name: made',
    '+      event:',
    '+        type: order.*',
  ]);
  assert.deepEqual(difference(change(['spec', 'triggers', 1], undefined)), [
    '-    - { name: web, http: { path: web, receiver: { open: {} } } }',
  ]);
});

test('a field is removed with its comment; the first one behind a dash makes room for the next', () => {
  assert.deepEqual(difference(change(['spec', 'triggers', 0, 'http', 'path'], undefined)), [
    "-        path: 'gh'   # quoted",
  ]);
  const renamed = change(['spec', 'triggers', 2, 'name'], undefined);
  assert.match(renamed, /\n {4}- schedule:\n {8}cron: "0 3 \* \* \*"\n/);
});

test('a receiver is exchanged as a whole', () => {
  const receiver = ['spec', 'triggers', 0, 'http', 'receiver'];
  const after = change(receiver, { gitlab: { secretRefs: [{ name: 'lab', key: 'token' }] } });
  assert.match(
    after,
    /receiver:\n {10}gitlab:\n {12}secretRefs:\n {14}- name: lab\n {16}key: token\n {4}- \{ name: web/,
  );
  assert.match(after, /# From GitHub\./);
});

test('texts of several lines become blocks, and blocks are replaced as blocks', () => {
  const path = ['spec', 'triggers', 0, 'filter'];
  const once = change(path, 'local a = 1\nreturn a == 1\n');
  assert.match(once, /\n {6}filter: \|\n {8}local a = 1\n {8}return a == 1\n {4}- \{ name: web/);
  assert.match(changeYaml(once, hook, path, 'true'), /\n {6}filter: "true"\n {4}- \{ name: web/);
});

test('a text that is no YAML, or holds no such function, stays as it is', () => {
  assert.equal(changeYaml('a: [', hook, ['spec'], 1), 'a: [');
  assert.equal(changeYaml(text, { namespace: 'other', name: 'hook' }, ['spec'], 1), text);
});

test('values that mean something in YAML are written so that they do not', () => {
  for (const value of ['no', '', '# x', 'a: b', ' pad ', '1', 'null', '}', '*', '&a', 'x\ny', '%', '\u2028', "it's"]) {
    for (const path of [
      ['spec', 'triggers', 0, 'http', 'path'],
      ['spec', 'triggers', 1, 'http', 'path'],
      ['spec', 'env', 0, 'value'],
    ]) {
      const [first] = parseAllDocuments(change(path, value));
      assert.equal(first?.getIn(path), value);
    }
  }
});

test('whatever is changed, comments stay and nothing else changes', () => {
  const paths = fc.constantFrom<YamlPath>(
    ['spec', 'triggers', 0, 'name'],
    ['spec', 'triggers', 0, 'http', 'path'],
    ['spec', 'triggers', 0, 'http', 'rate', 'requests'],
    ['spec', 'triggers', 1, 'http', 'receiver'],
    ['spec', 'triggers', 1, 'filter'],
    ['spec', 'triggers', 2, 'schedule', 'timeZone'],
    ['spec', 'triggers', 2, 'schedule'],
    ['spec', 'limits'],
    ['spec', 'env', 0],
  );
  const values = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.jsonValue({ maxDepth: 2 }));
  const edits = fc.array(fc.tuple(paths, fc.option(values, { nil: undefined })), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(edits, (steps) => {
      let now = text;
      for (const [path, value] of steps) {
        if (value === null) continue;
        now = changeYaml(now, hook, path, value);
        const documents = parseAllDocuments(now);
        assert.deepEqual(
          documents.map(({ errors }) => errors.length),
          [0, 0],
        );
        const [first, second] = documents;
        const found = first?.getIn(path) as { toJSON?(): unknown } | undefined;
        const said = typeof found === 'object' && found !== null ? found.toJSON?.() : found;
        assert.equal(JSON.stringify(said), JSON.stringify(value === undefined ? said : value));
        assert.deepEqual(second?.toJS(), parseAllDocuments(text)[1]?.toJS());
        assert.match(now, /^# Owned by the payments team\.\n/);
        assert.match(now, /-- not "YAML"/);
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});
