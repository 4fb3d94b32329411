/** Power cuts: the store's files rebuilt as a cut would have left them, at many moments, against what had been promised by then. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openDatabase } from '../../src/store/sqlite-schema.ts';
import { Disk, record, straceIsHere, type Operation } from './recording.ts';

const cuts = Number(process.env['MOONHOOK_CUTS'] ?? 60);
const seed = Number(process.env['MOONHOOK_SEED'] ?? Date.now() % 1_000_000);
const events = 200;

function random(): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

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

async function cutManyTimes(
  t: TestContext,
  operations: readonly Operation[],
  disk: Disk,
  folder: string,
): Promise<number> {
  const next = random();
  // From the first promise on: before it the database itself may not be there yet.
  const first = operations.findIndex((operation) => operation.kind === 'said' && operation.line.startsWith('A '));
  const points = new Set(Array.from({ length: cuts }, () => first + Math.floor(next() * (operations.length - first))));
  const promised: string[] = [];
  let lost = 0;
  const unreadable = new Map<string, number>();
  for (const [index, operation] of operations.entries()) {
    disk.apply(operation);
    if (operation.kind === 'said' && operation.line !== 'ready') promised.push(operation.line);
    if (!points.has(index)) continue;
    const probability = [0, 0.5, 1][Math.floor(next() * 3)] ?? 0;
    try {
      lost += (await missingAfter(folder, disk.cut(probability, next), promised)).length;
    } catch (error) {
      // Without syncs the database may not even open: that is loss, too.
      unreadable.set((error as Error).message.split('\n')[0] ?? '', index);
      lost += promised.length;
    }
  }
  t.diagnostic(
    `seed ${seed}: ${points.size} cuts of ${operations.length} operations, ${promised.length} promises, ${lost} broken`,
  );
  return lost;
}

test('a power cut at any moment loses nothing that was answered; a disk that ignores syncs would', async (t) => {
  if (!straceIsHere()) {
    const reason = 'strace is not installed (Debian: apt-get install strace): power cuts are not tested';
    if (process.env['CI'] === 'true') assert.fail(reason);
    t.skip(reason);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-cut-'));
  t.after(() => rm(folder, { recursive: true }));
  const live = join(folder, 'live');
  await mkdir(live);
  const process_ = join(import.meta.dirname, 'store-process.ts');
  const operations = await record(live, join(folder, 'strace.log'), process.execPath, [
    process_,
    join(live, 'store.db'),
    '0',
    String(events),
    'end',
  ]);
  assert.ok(operations.some(({ kind }) => kind === 'sync'));
  assert.equal(await cutManyTimes(t, operations, new Disk(), join(folder, 'cut')), 0);
  assert.ok((await cutManyTimes(t, operations, new Disk(false), join(folder, 'control'))) > 0, 'the control must lose');
});
