/** The pictures of the guide can still be taken, and the guide shows exactly those. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { shrinkPng, sizeOfPng } from '../../scripts/shrink-png.ts';
import { pictured, takePictures } from './console-pictures.ts';
import { openBrowser } from './open-browser.ts';
import { startConsole } from './start-console.ts';

const guide = join(import.meta.dirname, '..', '..', 'docs', 'guide');

test('the pictures of the guide are those that can be taken, small, and all of them are shown', async (t) => {
  const local = await startConsole(t, { files: pictured, options: { publicUrl: 'https://hooks.example.com' } });
  const browser = await openBrowser();
  t.after(() => browser.close());
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-pictures-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const names = await takePictures(local, browser, folder, (png) => png);
  assert.deepEqual(readdirSync(join(guide, 'console')).toSorted(), names.toSorted());
  const page = readFileSync(join(guide, 'console.md'), 'utf8');
  for (const name of names) {
    const [kept, taken] = [readFileSync(join(guide, 'console', name)), readFileSync(join(folder, name))];
    assert.deepEqual(sizeOfPng(kept), sizeOfPng(taken), name);
    assert.ok(kept.length < 120_000, `${name} has ${kept.length} bytes`);
    assert.ok(page.includes(`console/${name}`), `the guide does not show ${name}`);
  }
  const whole = readFileSync(join(folder, names[0] ?? ''));
  assert.ok(shrinkPng(whole).length < whole.length / 2);
});
