import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createDiskGuard, type DiskSpace } from './disk-guard.ts';

const mebi = 1024 ** 2;
const settings = { lowBytes: 256 * mebi, lowFraction: 0.05, reserveBytes: 6 * mebi };

function guardOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-disk-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'store.db');
  const disk = { now: 0, space: { freeBytes: 1000 * mebi, totalBytes: 2000 * mebi } as DiskSpace | undefined };
  const guard = createDiskGuard(settings, { path, now: () => disk.now, space: () => disk.space });
  const reserved = (): number => statSync(`${path}-reserve`, { throwIfNoEntry: false })?.size ?? 0;
  return { guard, disk, reserved };
}

test('the disk is low below 256 MiB and below 5 % of a large one, and no longer when there is space again', (t) => {
  const { guard, disk } = guardOf(t);
  const low = (freeBytes: number, totalBytes: number): boolean => {
    disk.space = { freeBytes, totalBytes };
    guard.look();
    return guard.low;
  };
  assert.equal(low(256 * mebi, 1000 * mebi), false);
  assert.equal(low(255 * mebi, 1000 * mebi), true);
  assert.equal(low(400 * mebi, 10_000 * mebi), true);
  assert.equal(low(501 * mebi, 10_000 * mebi), false);
});

test('a reserve is built up in pieces while there is plenty, given up when the disk is full, and built up again later', (t) => {
  const { guard, disk, reserved } = guardOf(t);
  guard.look();
  assert.equal(reserved(), 0, 'not while the program starts');
  disk.now = 5_000;
  guard.look();
  assert.equal(reserved(), 4 * mebi);
  guard.look();
  guard.look();
  assert.equal(reserved(), 6 * mebi);
  guard.full();
  assert.equal(reserved(), 0);
  assert.equal(guard.low, true);
  guard.look();
  assert.equal(guard.low, true, 'not at once: the space of the reserve is for what is to end');
  assert.equal(reserved(), 0);
  disk.now = 10_000;
  guard.look();
  assert.equal(guard.low, false);
  assert.equal(reserved(), 4 * mebi);
});

test('the reserve never takes the last space', (t) => {
  const { guard, disk, reserved } = guardOf(t);
  disk.now = 5_000;
  disk.space = { freeBytes: 260 * mebi, totalBytes: 1000 * mebi };
  guard.look();
  assert.equal(guard.low, false);
  assert.equal(reserved(), 0);
});

test('a folder that is gone tells nothing', (t) => {
  const { guard, disk } = guardOf(t);
  disk.space = undefined;
  guard.look();
  assert.deepEqual([guard.low, guard.freeBytes], [false, undefined]);
});
