/** Power cuts: the store's files rebuilt as a cut would have left them, at many moments, against what had been promised by then. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { defaultRetention } from '../../src/store/retention.ts';
import { logKeys } from '../../src/store/sqlite-key-log.ts';
import { openDatabase } from '../../src/store/sqlite-schema.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { randomFrom, seed, times } from './extent.ts';
import { Disk, record, straceIsHere, type Operation } from './recording.ts';

const cuts = times(40, 600);
const events = 200;

/** More than wait in the log of ids: they move into runs while the rest of the record is written. */
const keys = logKeys + 16;
/** Of these, each so-many-th is asked for after a cut. */
const keyStep = 61;

/** The ids of deliveries that were promised to be known. */
function promisedKeys(promised: readonly string[]): readonly string[] {
  const own = promised.filter((line) => line.startsWith('A ')).map((line) => line.slice(2));
  const filled = promised.some((line) => line.startsWith('K '));
  return filled ? [...own, ...Array.from({ length: keys / keyStep }, (_, index) => `k${index * keyStep}`)] : own;
}

const noBounds = { lowBytes: 0, lowFraction: 0, reserveBytes: 0 };

/** Which of them the store does not know when it is opened again: their senders' repeats would run. */
function unknownKeys(path: string, promised: readonly string[]): readonly string[] {
  const clock = { wall: () => Date.now(), monotonic: () => performance.now() };
  const owner = openSqliteStore({ path, retention: defaultRetention, disk: noBounds }, clock);
  let unknown: readonly string[] = [];
  owner.turn([
    {
      run(store) {
        const knows = (key: string): boolean => store.isKnown('ns', { endpoint: 'f', key, windowMs: 3_600_000 });
        assert.ok(!knows('never sent'), 'control: not everything is known');
        return promisedKeys(promised).filter((key) => !knows(key));
      },
      done: (value) => void (unknown = value as readonly string[]),
      failed: (error) => assert.fail(error),
    },
  ]);
  owner.close();
  return unknown;
}

/** Answers what a database opened from the cut files lacks of what had been said before the cut. */
async function missingAfter(
  folder: string,
  files: ReadonlyMap<string, Buffer>,
  promised: readonly string[],
): Promise<readonly string[]> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const [name, data] of files) await writeFile(join(folder, name), data);
  const path = join(folder, 'store.db');
  const database = openDatabase(path);
  let missing: readonly string[] = [];
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
    missing = promised.filter((line) => {
      const state = states.get(line.slice(2));
      if (line.startsWith('K ')) return false;
      return line.startsWith('A ') ? state === undefined : state !== 'done';
    });
  } finally {
    database.close();
  }
  return [...missing, ...unknownKeys(path, promised)];
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
  let cutsMade = 0;
  let lost = 0;
  let unreadable = 0;
  for (const [index, operation] of operations.entries()) {
    disk.apply(operation);
    if (operation.kind === 'said' && operation.line !== 'ready') promised.push(operation.line);
    if (!points.has(index)) continue;
    // In turn, and first all is lost: of few cuts chosen by chance each might keep everything, and no control would notice.
    const probability = [0, 0.5, 1][cutsMade++ % 3] ?? 0;
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

const storeProcess = (folder: string, keysBefore = 0): readonly string[] => [
  process.execPath,
  join(import.meta.dirname, 'store-process.ts'),
  join(folder, 'live', 'store.db'),
  '0',
  String(events),
  'end',
  String(keysBefore),
];

test('a power cut at any moment loses nothing that was answered; a disk that ignores syncs would', async (t) => {
  const folder = await folderOf(t);
  if (folder === undefined) return;
  const operations = await record(join(folder, 'live'), join(folder, 'strace.log'), storeProcess(folder));
  assert.ok(operations.some(({ kind }) => kind === 'sync'));
  assert.equal(await cutManyTimes(t, operations, new Disk(), join(folder, 'cut')), 0);
  assert.ok((await cutManyTimes(t, operations, new Disk(false), join(folder, 'control'))) > 0, 'the control must lose');
});

test('a power cut while delivery ids move into their runs forgets none', async (t) => {
  const folder = await folderOf(t);
  if (folder === undefined) return;
  const command = storeProcess(folder, keys);
  const operations = await record(join(folder, 'live'), join(folder, 'strace.log'), command);
  const wanted = times(8, 120);
  assert.equal(await cutManyTimes(t, operations, new Disk(), join(folder, 'cut'), wanted), 0);
  const careless = await cutManyTimes(t, operations, new Disk(false), join(folder, 'control'), times(6, 40));
  assert.ok(careless > 0, 'the control must lose');
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
