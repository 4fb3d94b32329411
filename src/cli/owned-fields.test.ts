import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedFields, ownersOf, pathText, withField, type ManagedFields } from './owned-fields.ts';

const web = 'k:{"name":"web"}';
const kubectl: ManagedFields = {
  manager: 'kubectl',
  operation: 'Apply',
  fieldsV1: {
    'f:metadata': { 'f:labels': { 'f:app': {} } },
    'f:spec': { 'f:code': {}, 'f:triggers': { [web]: { '.': {}, 'f:name': {}, 'f:http': { 'f:path': {} } } } },
  },
};
const console: ManagedFields = {
  manager: 'console',
  operation: 'Apply',
  fieldsV1: { 'f:spec': { 'f:limits': { 'f:timeout': {} }, 'f:tags': { 'v:"a"': {} } } },
};
const status: ManagedFields = {
  manager: 'controller',
  operation: 'Update',
  subresource: 'status',
  fieldsV1: { 'f:spec': { 'f:code': {} } },
};
const managed = [kubectl, console, status];
const before = {
  metadata: { labels: { app: 'shop' } },
  spec: {
    code: 'return 1',
    triggers: [{ name: 'web', http: { path: 'x' } }],
    limits: { timeout: '1s' },
    tags: ['a'],
  },
};
const compare = (after: object) => changedFields(before, after as typeof before, managed, console.fieldsV1);

test('what is applied is what changed and what is owned already, and nothing of anybody else', () => {
  const { changes, applied } = compare({ ...before, spec: { ...before.spec, code: 'return 2' } });
  assert.deepEqual(changes, [{ path: ['f:spec', 'f:code'], before: 'return 1', after: 'return 2' }]);
  assert.deepEqual(applied, { spec: { code: 'return 2', limits: { timeout: '1s' }, tags: ['a'] } });
  assert.deepEqual(compare(before).changes, []);
});

test('an item of a list is named by its keys, and holds only what changed in it', () => {
  const { changes, applied } = compare({
    ...before,
    spec: { ...before.spec, triggers: [{ name: 'web', http: { path: 'y' } }, { name: 'nightly' }] },
  });
  assert.deepEqual(
    changes.map(({ path }) => pathText(path)),
    ['.spec.triggers[name="web"].http.path', '.spec.triggers[name="nightly"]'],
  );
  assert.deepEqual((applied['spec'] as { triggers: unknown }).triggers, [
    { name: 'web', http: { path: 'y' } },
    { name: 'nightly' },
  ]);
});

test('what is taken away is told with its owners; what the status says belongs to nobody here', () => {
  const { changes, applied } = compare({
    metadata: { labels: {} },
    spec: { code: 'return 1', triggers: [], tags: [] },
  });
  const owners = changes.map(({ path, after }) => [
    pathText(path),
    after,
    ownersOf(managed, path).map(({ manager }) => manager),
  ]);
  assert.deepEqual(owners, [
    ['.metadata.labels.app', undefined, ['kubectl']],
    ['.spec.triggers[name="web"]', undefined, ['kubectl']],
    ['.spec.limits', undefined, ['console']],
    ['.spec.tags[="a"]', undefined, ['console']],
  ]);
  assert.deepEqual(applied, { spec: { tags: [] } });
  assert.deepEqual(
    ownersOf(managed, ['f:spec', 'f:code']).map(({ manager }) => manager),
    ['kubectl'],
  );
});

test('items with the same keys, or without keys, are applied as one list', () => {
  const triggers = [{ name: 'web' }, { name: 'web' }];
  const { changes, applied } = compare({ ...before, spec: { ...before.spec, triggers } });
  assert.deepEqual(
    changes.map(({ path }) => pathText(path)),
    ['.spec.triggers'],
  );
  assert.deepEqual((applied['spec'] as { triggers: unknown }).triggers, triggers);
});

test('a value is put back at its path, an item is put back among others, and names such as __proto__ are names', () => {
  assert.deepEqual(withField(before, ['f:spec', 'f:triggers', web, 'f:http', 'f:path'], 'z'), {
    ...before,
    spec: { ...before.spec, triggers: [{ name: 'web', http: { path: 'z' } }] },
  });
  assert.deepEqual(withField({ spec: {} }, ['f:spec', 'f:triggers', web], { name: 'web' }), {
    spec: { triggers: [{ name: 'web' }] },
  });
  assert.deepEqual(withField(before, ['f:spec', 'f:limits'], undefined), {
    ...before,
    spec: { code: 'return 1', triggers: before.spec.triggers, tags: ['a'] },
  });
  const hostile = JSON.parse('{"__proto__":{"polluted":true}}') as object;
  const { applied } = changedFields({ x: {} }, { x: hostile }, [{ fieldsV1: { 'f:x': { 'f:y': {} } } }], undefined);
  assert.equal(JSON.stringify(applied), '{"x":{"__proto__":{"polluted":true}}}');
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});
