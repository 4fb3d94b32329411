import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { meteredLua } from './metered-lua.ts';
import { meterLua } from './metering.ts';

const exportsOf = (module: WebAssembly.Module): readonly string[] =>
  WebAssembly.Module.exports(module).map(({ name }) => name);

test('the binary is rewritten once, read from the cache then, and again rewritten when the cached file is damaged', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-cache-'));
  try {
    const expected = exportsOf(await meterLua());
    assert.deepEqual(exportsOf(await meteredLua(folder)), expected);
    const [name = ''] = await readdir(folder);
    const kept = await readFile(join(folder, name));

    // Another program in its place, with its own digest: what is in the cache is what runs.
    const empty = Buffer.from('0061736d01000000', 'hex');
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', empty));
    await writeFile(join(folder, name), Buffer.concat([digest, empty]));
    assert.deepEqual(exportsOf(await meteredLua(folder)), [], 'control: the cache is read');

    await writeFile(join(folder, name), kept.subarray(0, kept.length - 1));
    assert.deepEqual(exportsOf(await meteredLua(folder)), expected);
    assert.deepEqual(await readFile(join(folder, name)), kept, 'the damaged file is replaced');
    assert.deepEqual(await readdir(folder), [name], 'nothing else is left');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a folder that cannot be written costs time only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-cache-'));
  try {
    const file = join(folder, 'file');
    await writeFile(file, '');
    assert.ok(exportsOf(await meteredLua(join(file, 'below'))).includes('mh_begin'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
