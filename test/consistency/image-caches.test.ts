import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
const flagsIn = (text: string): readonly string[] => text.match(/--[a-z-]+(?:=\d+)?(?= |")/g) ?? [];

test('the caches of the image are filled with the flags it runs with, or Node would not take them', () => {
  const [, filled = ''] = / node (--.*?) -- src\/cli\/fill-caches\.ts/.exec(dockerfile) ?? [];
  const [, runs = ''] = /^ENTRYPOINT \["node", (.*?), "--"/m.exec(dockerfile) ?? [];
  assert.deepEqual(flagsIn(`${filled} `), flagsIn(runs));
  assert.equal(flagsIn(runs).length, 4);
});

test('one run fills the caches and ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-caches-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const child = spawn(process.execPath, ['--expose-gc', '--', join(root, 'src/cli/fill-caches.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: folder },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
  const kept = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(kept.length > 500, `${kept.length} modules`);
});
