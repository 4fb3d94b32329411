/** Two processes on one SQLite file: the second one is told what is wrong and ends; the first one does not notice. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startRecorder } from './recorder.ts';
import { ended, startRuntime } from './start-runtime.ts';

test('a second process on the same file ends with a message that says what to do, and the first goes on', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-owners-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const recorder = await startRecorder(Math.random, 0);
  t.after(() => recorder.close());
  const path = join(folder, 'store.db');
  const first = await startRuntime({ name: 'first', store: { path }, recorder: recorder.url });
  t.after(() => first.kill());

  // A process that does nothing but open the store: how long that takes is how long the program waits.
  const opener = join(folder, 'open.mjs');
  await writeFile(
    opener,
    `import { openStore } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'src', 'store', 'open-store.ts'))};
    const began = performance.now();
    const error = await openStore({ path: ${JSON.stringify(path)}, onLost() {} }).catch((each) => each);
    process.stdout.write(JSON.stringify({ ms: performance.now() - began, message: String(error.message) }));
    process.exit(4);`,
  );
  const second = spawn(process.execPath, [opener], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  second.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await ended(second);
  const { ms, message } = JSON.parse(said) as { readonly ms: number; readonly message: string };
  assert.match(message, /store\.db is in use by another process: stop it, or choose another data directory/);
  t.diagnostic(`refused after ${Math.round(ms)} ms`);

  assert.ok(await recorder.sendAs(first.url, 'afterwards'));
  assert.equal(recorder.counts.accepted, 1);
});
