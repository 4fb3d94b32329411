import assert from 'node:assert/strict';
import { cpSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { watchFolder, type Timers, type WatchFolderOptions } from './watch-folder.ts';

const timers: Timers = {
  now: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  },
};

interface Watched {
  readonly root: string;
  path(name: string): string;
  /** Resolves when a change of the name was told since the last call. */
  told(name: string): Promise<void>;
  readonly calls: () => number;
  /** Every name told so far. */
  readonly history: ReadonlySet<string>;
}

async function watched(context: TestContext, options: Partial<WatchFolderOptions> = {}): Promise<Watched> {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-watch-'));
  const root = join(base, 'hooks');
  mkdirSync(join(root, 'team'), { recursive: true });
  writeFileSync(join(root, 'a.yaml'), 'a');
  writeFileSync(join(root, 'team', 'b.yaml'), 'b');
  let seen = new Set<string>();
  const history = new Set<string>();
  let calls = 0;
  let wake = (): void => {};
  const watch = await watchFolder({
    root,
    timers,
    others: () => [],
    onPolling: () => {},
    onChange: async (names) => {
      calls += 1;
      for (const name of names) {
        seen.add(name);
        history.add(name);
      }
      wake();
    },
    ...options,
  });
  context.after(() => {
    watch.close();
    rmSync(base, { recursive: true, force: true });
  });
  return {
    root,
    path: (name) => join(root, name),
    calls: () => calls,
    history,
    told: async (name) => {
      while (!seen.has(name) && !seen.has('')) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      seen = new Set();
    },
  };
}

test('every way an editor saves a file is noticed', async (context) => {
  const folder = await watched(context);
  writeFileSync(folder.path('a.yaml'), 'in place');
  await folder.told('a.yaml');
  truncateSync(folder.path('a.yaml'), 0);
  writeFileSync(folder.path('a.yaml'), 'after a cut');
  await folder.told('a.yaml');
  writeFileSync(folder.path('.a.yaml.tmp'), 'beside');
  renameSync(folder.path('.a.yaml.tmp'), folder.path('a.yaml'));
  await folder.told('a.yaml');
  renameSync(folder.path('a.yaml'), folder.path('a.yaml~'));
  writeFileSync(folder.path('a.yaml'), 'with a backup');
  await folder.told('a.yaml');
  rmSync(folder.path('a.yaml'));
  await folder.told('a.yaml');
  linkSync(folder.path('a.yaml~'), folder.path('c.yaml'));
  await folder.told('c.yaml');
});

test('new folders are watched with what they already hold, also after one is made anew under its name', async (context) => {
  const folder = await watched(context);
  for (let turn = 0; turn < 3; turn += 1) {
    rmSync(folder.path('team'), { recursive: true });
    mkdirSync(folder.path('team/deep'), { recursive: true });
    writeFileSync(folder.path('team/deep/x.yaml'), '1');
    await folder.told('team');
    writeFileSync(folder.path('team/deep/x.yaml'), '2');
    await folder.told('team/deep/x.yaml');
  }
});

test('many files at once come as few changes', async (context) => {
  const folder = await watched(context);
  for (let n = 0; n < 300; n += 1) writeFileSync(folder.path(`many-${n}.yaml`), String(n));
  await folder.told('many-299.yaml');
  assert.ok(folder.calls() <= 20, `${folder.calls()} calls`);
});

test('the folder itself may be removed and come back', async (context) => {
  const folder = await watched(context);
  const copy = `${folder.root}-copy`;
  cpSync(folder.root, copy, { recursive: true });
  rmSync(folder.root, { recursive: true });
  await folder.told('');
  renameSync(copy, folder.root);
  await folder.told('a.yaml');
  writeFileSync(folder.path('a.yaml'), 'again');
  await folder.told('a.yaml');
});

test('hidden files and installed packages are not told', async (context) => {
  const folder = await watched(context);
  mkdirSync(folder.path('.git'));
  mkdirSync(folder.path('node_modules'));
  writeFileSync(folder.path('.git/x.yaml'), '1');
  writeFileSync(folder.path('node_modules/x.yaml'), '1');
  writeFileSync(folder.path('.swap.yaml'), '1');
  writeFileSync(folder.path('a.yaml'), 'control');
  await folder.told('a.yaml');
  assert.deepEqual([...folder.history], ['a.yaml']);
});

test('where the system gives no notice, looking finds the change, and it is said once', async (context) => {
  const reasons: string[] = [];
  const folder = await watched(context, {
    onPolling: (reason) => reasons.push(reason),
    watchFolder: () => {
      throw Object.assign(new Error('no watches left'), { code: 'ENOSPC' });
    },
  });
  writeFileSync(folder.path('a.yaml'), 'longer than before');
  await folder.told('a.yaml');
  writeFileSync(folder.path('team/b.yaml'), 'longer than before');
  await folder.told('team/b.yaml');
  assert.deepEqual(reasons, ['no watches left']);
});

test('nothing is told after it was closed', async (context) => {
  const root = mkdtempSync(join(tmpdir(), 'moonhook-watch-'));
  context.after(() => {
    rmSync(root, { recursive: true });
  });
  const due = new Set<() => void>();
  let notice = (_name: string | undefined): void => {};
  let calls = 0;
  const watch = await watchFolder({
    root,
    timers: {
      now: () => 0,
      after: (_milliseconds, run) => {
        due.add(run);
        return { cancel: () => due.delete(run) };
      },
    },
    others: () => [],
    onPolling: () => {},
    onChange: async () => {
      calls += 1;
    },
    watchFolder: (_path, onEvent) => {
      notice = onEvent;
      return { close: () => {} };
    },
  });
  const waiting = due.size;
  notice('a.yaml');
  assert.equal(due.size, waiting + 1);
  watch.close();
  assert.equal(due.size, 0);
  notice('b.yaml');
  assert.equal(due.size, 0);
  assert.equal(calls, 0);
});
