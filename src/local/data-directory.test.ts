import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { defaultDataDirectory, holdDataDirectory, readDevProcess, type HeldDataDirectory } from './data-directory.ts';

const dev = { pid: process.pid, token: 't0ken', publicUrl: 'http://a', callUrl: 'http://b', adminUrl: 'http://c' };

function place(context: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'moonhook-data-'));
  context.after(() => {
    rmSync(root, { recursive: true, force: true });
  });
  return join(root, '.moonhook');
}

let ids = 0;
const hold = (path: string): ReturnType<typeof holdDataDirectory> =>
  holdDataDirectory(path, { pid: process.pid, newId: () => `id${(ids += 1)}` });

function held(path: string): HeldDataDirectory {
  const result = hold(path);
  assert.ok(result.ok, result.ok ? '' : result.message);
  return result.value;
}

test('the directory stands beside the folder, is private, and holds the token in a private file', (context) => {
  const path = place(context);
  assert.equal(defaultDataDirectory('/srv/hooks/'), '/srv/.moonhook');
  const directory = held(path);
  directory.publish(dev);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(path, 'dev.json')).mode & 0o777, 0o600);
  assert.deepEqual(readDevProcess(path), { ok: true, value: dev });
  directory.release();
  assert.deepEqual(readdirSync(path), []);
});

test('a directory or file that others may read is refused with the command that mends it', (context) => {
  const path = place(context);
  mkdirSync(path, { mode: 0o755 });
  chmodSync(path, 0o755);
  const refused = hold(path);
  assert.ok(!refused.ok);
  assert.match(refused.message, /may be read by others \(mode 755\).*chmod 700/);
  chmodSync(path, 0o700);
  held(path).publish(dev);
  chmodSync(join(path, 'dev.json'), 0o640);
  const unread = readDevProcess(path);
  assert.ok(!unread.ok);
  assert.match(unread.message, /chmod 600/);
  assert.ok(!unread.message.includes(dev.token));
});

test('a symbolic link or a file in its place is refused', (context) => {
  const path = place(context);
  mkdirSync(`${path}-real`, { mode: 0o700 });
  symlinkSync(`${path}-real`, path);
  const refused = hold(path);
  assert.ok(!refused.ok);
  assert.match(refused.message, /is not a directory/);
});

test(
  'a holder that has ended and is never waited for gives the directory up',
  { skip: process.platform !== 'linux' },
  async (context) => {
    const path = place(context);
    const code = `const { holdDataDirectory } = await import(${JSON.stringify(import.meta.resolve('./data-directory.ts'))});
      const result = holdDataDirectory(${JSON.stringify(path)}, { pid: process.pid, newId: () => 'child' });
      process.stdout.write(result.ok ? String(process.pid) : result.message);
      setInterval(() => {}, 1000);`;
    // The shell becomes a program that waits for no children.
    const parent = spawn('sh', ['-c', '"$0" --input-type=module -e "$1" & exec sleep 60', process.execPath, code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    context.after(() => parent.kill('SIGKILL'));
    const [said] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    assert.ok(!hold(path).ok, 'while it lives');
    process.kill(pid, 'SIGKILL');
    while (!/\) Z (\S+ ){16}1 /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await setImmediate();
    held(path).release();
  },
);

test('a second process is refused while the first lives, and takes over when it was killed', async (context) => {
  const path = place(context);
  const code = `const { holdDataDirectory } = await import(${JSON.stringify(import.meta.resolve('./data-directory.ts'))});
    const result = holdDataDirectory(${JSON.stringify(path)}, { pid: process.pid, newId: () => 'child' });
    process.stdout.write(result.ok ? 'held' : result.message);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(said.toString(), 'held');
  const refused = hold(path);
  assert.ok(!refused.ok);
  assert.match(refused.message, new RegExp(`process ${child.pid}.*--data-dir`));
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  held(path).release();
});

test('a lock left by a process of another start is not mistaken for a living one', (context) => {
  const path = place(context);
  held(path);
  assert.ok(!hold(path).ok);
  const lock = join(path, 'lock');
  if (readFileSync(lock, 'utf8').includes('"started":""'))
    return context.skip('the start of a process is not known here');
  writeFileSync(lock, JSON.stringify({ pid: process.ppid, started: '1' }), { mode: 0o600 });
  held(path).release();
});

test('what is not a dev.json is named, not trusted', (context) => {
  const path = place(context);
  held(path);
  writeFileSync(join(path, 'dev.json'), '{"pid": 1}', { mode: 0o600 });
  const read = readDevProcess(path);
  assert.ok(!read.ok);
  assert.match(read.message, /is not what `moonhook dev` writes/);
});
