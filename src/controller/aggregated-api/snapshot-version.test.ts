import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newSnapshot, readVersion, versionOf } from './snapshot-version.ts';

test('a version is read back, and later ones are larger numbers of 63 bits', () => {
  const now = Date.parse('2026-11-22T14:00:00Z');
  const snapshot = newSnapshot(now, 0.999_999);
  assert.deepEqual(readVersion(versionOf(snapshot, 17)), { snapshot, change: 17 });
  const versions = [
    versionOf(newSnapshot(now, 0), 0),
    versionOf(snapshot, 0),
    versionOf(snapshot, 99_999),
    versionOf(newSnapshot(now + 1, 0), 0),
    versionOf(newSnapshot(Date.parse('2048-12-31T00:00:00Z'), 0.5), 99_999),
  ].map(BigInt);
  assert.deepEqual(
    versions.toSorted((one, other) => (one < other ? -1 : 1)),
    versions,
  );
  assert.ok((versions.at(-1) ?? 0n) < 2n ** 63n);
});

test('what is no version of ours is not read', () => {
  for (const text of ['', '0', '7', 'abc', '-12345678', '1e12', '12345678901234567890', ' 12345678']) {
    assert.equal(readVersion(text), undefined, text);
  }
});
