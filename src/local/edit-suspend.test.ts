/** Editing `spec.suspend`: what is written around it stays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { editSuspend, type EditedResource } from './edit-suspend.ts';

const hook: EditedResource = { kind: 'WebhookFunction', namespace: 'default', name: 'a', prefix: [] };
const head = 'apiVersion: moonhook.dev/v1alpha1\nkind: WebhookFunction\nmetadata: { name: a }\n';

function edited(text: string, suspend: boolean, resource = hook): string {
  const result = editSuspend(text, resource, suspend);
  assert.ok(result.ok, result.ok ? '' : result.message);
  return result.text;
}

test('a field is added above the first one and its comments, in the indentation of the map', () => {
  const text = `# top\n${head}spec: # mine\n\n    # about the code\n    code: |  # literal\n      return function() end\n`;
  assert.equal(edited(text, true), text.replace('# mine\n', '# mine\n    suspend: true\n'));
  assert.equal(
    edited(`${head}spec: { code: "return nil" }\n`, true),
    `${head}spec: { suspend: true, code: "return nil" }\n`,
  );
  assert.equal(edited(`${head}spec: {code: x}\n`, true), `${head}spec: { suspend: true, code: x}\n`);
});

test('a value that is there is replaced, with its comment kept; nothing is written when it is the same', () => {
  const text = `${head}spec:\n  code: x\n  suspend:   true   # until Monday\n  limits: { timeout: 1s }\n`;
  assert.equal(edited(text, false), text.replace('true   #', 'false   #'));
  assert.deepEqual(editSuspend(text, hook, true), { ok: true, text, changed: false });
  const absent = `${head}spec:\n  code: x\n`;
  assert.deepEqual(editSuspend(absent, hook, false), { ok: true, text: absent, changed: false });
  const empty = `${head}spec:\n  suspend:\n  code: x\n`;
  assert.equal(edited(empty, true), empty.replace('suspend:', 'suspend: true'));
});

test('of several documents and of a List the right one is edited', () => {
  const two = `${head.replace('name: a', 'name: b')}spec:\n  code: x\n---\n${head}spec:\n  code: y\n`;
  assert.equal(edited(two, true), two.replace('  code: y', '  suspend: true\n  code: y'));
  const other = `${head.replace('name: a', 'name: a, namespace: team-b')}spec:\n  code: x\n---\n${head}spec:\n  code: y\n`;
  assert.equal(edited(other, true), other.replace('  code: y', '  suspend: true\n  code: y'));
  const list = `apiVersion: v1\nkind: List\nitems:\n  - kind: WebhookFunction\n    metadata: { name: a }\n    spec:\n      code: x\n`;
  const inList = { ...hook, prefix: ['items', 0] };
  assert.equal(edited(list, true, inList), list.replace('      code', '      suspend: true\n      code'));
});

test('line ends, a byte order mark and a missing last line end stay', () => {
  const windows = `\uFEFF${head}spec:\n  code: x`.replaceAll('\n', '\r\n');
  assert.equal(edited(windows, true), windows.replace('  code', '  suspend: true\r\n  code'));
});

test('what cannot be edited without touching more is refused with what to write', () => {
  const anchored = `${head}spec: &shared\n  code: x\n`;
  const result = editSuspend(anchored, hook, true);
  assert.ok(!result.ok);
  assert.match(result.message, /anchor: write `suspend: true` below `spec:` yourself/);
  assert.ok(!editSuspend(`base: &b { code: x }\n${head}spec: *b\n`, hook, true).ok);
  assert.ok(!editSuspend(`${head}spec:\n  code: x\n`, { ...hook, name: 'gone' }, true).ok);
  assert.ok(!editSuspend('a: [', hook, true).ok);
});

test('back and forth changes the value only', () => {
  const text = `${head}spec:\n  code: |\n    return function()\n    end\n  triggers:\n    - { name: t, http: { path: t } }\n`;
  const there = edited(text, true);
  const back = edited(there, false);
  const value = (source: string): unknown => {
    const [document] = parseAllDocuments(source);
    return document?.toJS();
  };
  assert.deepEqual((value(there) as { spec: { suspend: unknown } }).spec.suspend, true);
  assert.equal(back, there.replace('suspend: true', 'suspend: false'));
});
