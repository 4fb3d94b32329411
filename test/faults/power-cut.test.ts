/** Power cuts: the store's files rebuilt as a cut would have left them, at many moments, against what had been promised by then. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openDatabase } from '../../src/store/sqlite-schema.ts';
import { randomFrom, seed, times } from './extent.ts';
import { Disk, record, straceIsHere, type Operation } from './recording.ts';

const cuts = times(40, 600);
const events = 200;

/** Answers what a database opened from the cut files lacks of what had been said before the cut. */
async function missingAfter(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
  promised: readonly string[],
): Promise<string[]> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const [name, data] of files) await writeFile(join(folder, name), data);
  const database = openDatabase(join(folder, 'store.db'));
  try {
    const { integrity_check: integrity } = database.prepare('PRAGMA integrity_check').get() as {
      integrity_check: string;
    };
    assert.equal(integrity, 'ok');
    const rows = database
      .prepare('SELECT e.id, d.state FROM events e JOIN deliveries d ON d.event = e.seq')
      .all() as unknown as {
      id: string;
      state: string;
    }[];
    const states = new Map(rows.map(({ id, state }) => [id, state]));
    return promised.filter((line) => {
      const state = states.get(line.slice(2));
      return line.startsWith('A ') ? state === undefined : state !== 'done';
    });
  } finally {
    database.close();
  }
}

/** Cuts at random points from the first promise after `from` on; answers how many promises were broken. */
async function cutManyTimes(
  t: TestContext,
  operations: readonly Operation[],
  disk: Disk,
  folder: string,
  wanted = cuts,
  from = 0,
): Promise<number> {
  const next = randomFrom(seed);
  // Before the first promise the database itself may not be there yet.
  const first = operations.findIndex(
    (operation, index) => index >= from && operation.kind === 'said' && operation.line.startsWith('A '),
  );
  const points = new Set(
    Array.from({ length: wanted }, () => first + Math.floor(next() * (operations.length - first))),
  );
  const promised: string[] = [];
  let lost = 0;
  let unreadable = 0;
  for (const [index, operation] of operations.entries()) {
    disk.apply(operation);
    if (operation.kind === 'said' && operation.line !== 'ready') promised.push(operation.line);
    if (!points.has(index)) continue;
    const probability = [0, 0.5, 1][Math.floor(next() * 3)] ?? 0;
    try {
      lost += (await missingAfter(folder, disk.cut(probability, next), promised)).length;
    } catch {
      // Without syncs the database may not even open: that is loss, too.
      unreadable++;
      lost += promised.length;
    }
  }
  t.diagnostic(
    `seed ${seed}: ${points.size} cuts of ${operations.length} operations, ${promised.length} promises, ${lost} broken, ${unreadable} unreadable`,
  );
  return lost;
}

async function folderOf(t: TestContext): Promise<string | undefined> {
  if (!straceIsHere()) {
    const reason = 'strace is not installed (Debian: apt-get install strace): power cuts are not tested';
    if (process.env['CI'] === 'true') assert.fail(reason);
    t.skip(reason);
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-cut-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'live'));
  return folder;
}

const storeProcess = (folder: string): readonly string[] => [
  process.execPath,
  join(import.meta.dirname, 'store-process.ts'),
  join(folder, 'live', 'store.db'),
  '0',
  String(events),
  'end',
];

test('a power cut at any moment loses nothing that was answered; a disk that ignores syncs would', async (t) => {
  const folder = await folderOf(t);
  if (folder === undefined) return;
  const operations = await record(join(folder, 'live'), join(folder, 'strace.log'), storeProcess(folder));
  assert.ok(operations.some(({ kind }) => kind === 'sync'));
  assert.equal(await cutManyTimes(t, operations, new Disk(), join(folder, 'cut')), 0);
  assert.ok((await cutManyTimes(t, operations, new Disk(false), join(folder, 'control'))) > 0, 'the control must lose');
});

test('what a kill left unsynced is synced before a restart answers that it knows it', async (t) => {
  const folder = await folderOf(t);
  if (folder === undefined) return;
  const live = join(folder, 'live');
  const next = randomFrom(seed);
  let lost = 0;
  let control = 0;
  // A kill that left nothing unsynced shows nothing: some more, then.
  for (let kill = 0; kill < times(2, 20) || (control === 0 && kill < 10); kill++) {
    await rm(live, { recursive: true });
    await mkdir(live);
    const killedAt = 8 + Math.floor(next() * 12);
    const before = await record(live, join(folder, 'first.log'), storeProcess(folder), killedAt);
    // The same events again: the senders had no answer, and the page cache has what the disk has not.
    const after = await record(live, join(folder, 'second.log'), storeProcess(folder));
    const operations = [...before, ...after];
    const at = before.length;
    lost += await cutManyTimes(t, operations, new Disk(), join(folder, 'cut'), times(20, 40), at);
    // The control: without the syncs that opening the database makes.
    const ready = operations.findIndex((operation, index) => index >= at && operation.kind === 'said');
    const careless = operations.filter(({ kind }, index) => !(kind === 'sync' && index >= at && index < ready));
    control += await cutManyTimes(t, careless, new Disk(), join(folder, 'control'), times(20, 40), at);
  }
  assert.equal(lost, 0);
  assert.ok(control > 0, 'the control must lose');
});
