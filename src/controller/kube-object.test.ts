import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffObjects, isRewound, type KubeObject } from './kube-object.ts';

const object = (uid: string, resourceVersion: string, name = 'a'): KubeObject => ({
  metadata: { uid, resourceVersion, name },
});
const mapOf = (...objects: readonly KubeObject[]): ReadonlyMap<string, KubeObject> =>
  new Map(objects.map((each) => [each.metadata.uid, each]));

test('an object made again under its name is a deletion and a creation, in that order', () => {
  const changes = diffObjects(mapOf(object('one', '5')), mapOf(object('two', '9')));
  assert.deepEqual(
    changes.map(({ kind, object: { metadata } }) => `${kind} ${metadata.uid}`),
    ['delete one', 'set two'],
  );
});

test('any other version is a change, an older one too', () => {
  const changes = diffObjects(mapOf(object('one', '50')), mapOf(object('one', '9')));
  assert.equal(changes.length, 1);
  assert.deepEqual(diffObjects(mapOf(object('one', '5')), mapOf(object('one', '5'))), []);
});

test('history is rewound where the server stands before us', () => {
  assert.equal(isRewound('99', '100'), true);
  assert.equal(isRewound('100', '100'), false);
  assert.equal(isRewound('18446744073709551616', '18446744073709551617'), true);
  assert.equal(isRewound('', '100'), false);
  assert.equal(isRewound('abc', '100'), false);
});
