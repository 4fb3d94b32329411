import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loneRunPath, openLoneMark, openLoneRuns } from './lone-run.ts';

test('what the next process finds is what the last one said', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-lone-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = loneRunPath(join(folder, 'store.db'));
  const found = () => openLoneRuns(path).end(2 ** 40, 7);
  assert.equal(found(), undefined, 'nothing has run alone yet');
  assert.equal((await stat(path)).mode & 0o077, 0, 'as the database beside it: for its owner only');
  const runs = openLoneRuns(path);
  runs.begin(2 ** 40, 7);
  assert.equal(found(), 'waiting', 'leased, and its Lua has not begun');
  const mark = openLoneMark(path);
  mark(true);
  assert.equal(found(), 'running');
  mark(false);
  assert.equal(found(), 'waiting');
  assert.equal(openLoneRuns(path).end(2 ** 40, 6), undefined, 'an earlier lease');
  assert.equal(openLoneRuns(path).end(3, 7), undefined, 'another delivery');
  mark(true);
  runs.begin(4, 1);
  assert.equal(runs.end(4, 1), 'waiting', 'a new run begins without the mark of the last one');
});

test('where the file cannot be there nothing is known, and nobody fails', () => {
  const path = loneRunPath('/nowhere/at/all.db');
  const runs = openLoneRuns(path);
  runs.begin(1, 1);
  openLoneMark(path)(true);
  assert.equal(runs.end(1, 1), undefined);
});
