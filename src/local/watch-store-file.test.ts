import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { watchStoreFile } from './watch-store-file.ts';

interface Watched {
  readonly path: string;
  readonly lost: string[];
  /** Lets one look pass; true: another one will come. */
  look(): Promise<boolean>;
  stop(): void;
}

function watched(context: TestContext): Watched {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-store-file-'));
  context.after(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'store.db');
  writeFileSync(path, 'one');
  const lost: string[] = [];
  let run: (() => void) | undefined;
  let told = Promise.withResolvers<void>();
  const timers = {
    now: () => 0,
    after: (_: number, next: () => void) => {
      run = next;
      told.resolve();
      return { cancel: () => void (run = undefined) };
    },
  };
  const onLost = (message: string): void => {
    lost.push(message);
    told.resolve();
  };
  const stop = watchStoreFile({ path, timers, onLost });
  return {
    path,
    lost,
    stop,
    look: async () => {
      const next = run;
      run = undefined;
      told = Promise.withResolvers();
      next?.();
      if (next !== undefined) await told.promise;
      return run !== undefined;
    },
  };
}

test('a store that is written to is left alone, and one that was removed is told once', async (context) => {
  const { path, lost, look } = watched(context);
  writeFileSync(path, 'two');
  assert.equal(await look(), true);
  assert.equal(await look(), true);
  assert.deepEqual(lost, []);
  rmSync(path);
  assert.equal(await look(), false);
  assert.equal(await look(), false);
  assert.equal(lost.length, 1);
  assert.match(lost[0] ?? '', /store\.db was removed while it was in use: .*start anew$/);
});

test('another file under its name, as a restore in place may leave, is taken for the store', async (context) => {
  const { path, lost, look } = watched(context);
  writeFileSync(`${path}.new`, 'one');
  renameSync(`${path}.new`, path);
  assert.equal(await look(), true);
  assert.deepEqual(lost, []);
});

test('nothing is told after it was stopped', async (context) => {
  const { path, lost, look, stop } = watched(context);
  stop();
  rmSync(path);
  assert.equal(await look(), false);
  assert.deepEqual(lost, []);
});
