import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { builtPage } from './build-page.ts';

test('a page is built once; of others the newest stays, and so does what another process is making', async (t) => {
  const cache = mkdtempSync(join(tmpdir(), 'moonhook-page-'));
  t.after(() => rmSync(cache, { recursive: true }));
  const shelf = join(cache, 'console');
  const now = Date.now() / 1000;
  for (const [name, minutesAgo] of [
    ['aaaaaaaaaaaaaaaa', 30],
    ['bbbbbbbbbbbbbbbb', 10],
    ['cccccccccccccccc', 20],
    ['dddddddddddddddd.77', 1],
    ['eeeeeeeeeeeeeeee.78', 180],
  ] as const) {
    mkdirSync(join(shelf, name), { recursive: true });
    utimesSync(join(shelf, name), now, now - minutesAgo * 60);
  }
  const folder = await builtPage(cache);
  assert.deepEqual(new Set(readdirSync(shelf)), new Set([basename(folder), 'bbbbbbbbbbbbbbbb', 'dddddddddddddddd.77']));
  assert.ok(readdirSync(folder).includes('index.html'));
  assert.equal(await builtPage(cache), folder);
});
