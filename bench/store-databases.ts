/** Databases of the store as a busy installation has them, written directly: 20 million delivery ids, a million waiting rows. */
import { randomFillSync } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { bitsOf, KeyFilter, placeOf } from '../src/store/key-filter.ts';
import { openStore } from '../src/store/open-store.ts';
import { classOf, runKeys } from '../src/store/sqlite-key-runs.ts';

/** Of the namespace and destinations below. */
export const namespaceUid = '0b9c5c1e-6f6c-4f6b-9f6e-1d2f3a4b5c6d';
/** Of the delivery ids. */
const windowMs = 72 * 3_600_000;
/** What all the waiting rows are for. */
export const blocked = `${namespaceUid}/blocked/trigger:t`;

export function failOnLost(error: Error): never {
  throw error;
}

/**
 * A database that knows `count` delivery ids, about 50 bytes on disk each. Kept in the temporary folder between runs and
 * made anew when `fresh` says that it is not what it was.
 */
export async function databaseOfKeys(count: number, progress: (line: string) => void): Promise<string> {
  const folder = join(tmpdir(), 'moonhook-bench');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `sparse-keys-${count}.db`);
  if (existsSync(path) && isUsable(path, count)) return path;
  progress(`building a database of ${count.toLocaleString('en-US')} delivery ids once: ${path}`);
  const building = `${path}.part`;
  for (const end of ['', '-wal', '-shm', '-reserve']) rmSync(building + end, { force: true });
  await createDatabase(building);
  write(building, (database) => {
    database.prepare('INSERT INTO scopes (id, uid) VALUES (1, ?)').run(namespaceUid);
    database
      .prepare('INSERT INTO endpoints (id, name, scope, keys) VALUES (1, ?, 1, ?)')
      .run(new Uint8Array(16), count);
    for (let from = 0; from < count; from += runKeys) writeRun(database, from, Math.min(runKeys, count - from));
  });
  for (const end of ['-wal', '-shm', '-reserve']) rmSync(path + end, { force: true });
  renameSync(building, path);
  return path;
}

/** A full run of keys, as the store leaves it. */
function writeRun(database: DatabaseSync, from: number, count: number): void {
  const run = 1 + from / runKeys;
  const insert = database.prepare(
    'INSERT INTO duplicate_keys (run, key, event, endpoint, expires) VALUES (?, ?, ?, 1, ?)',
  );
  const filter = KeyFilter.for(count);
  const noise = Buffer.alloc(count * 16);
  randomFillSync(noise);
  const expires = Date.now() + windowMs;
  // In the order of the keys, so that pages are written once; each is random but for its rank. A filter reads every bit of
  // the first eight bytes: with zeros among them half of it would stay empty, and the rest say yes too often.
  for (let index = 0; index < count; index += 1) {
    const key = noise.subarray(index * 16, index * 16 + 16);
    key.writeUInt32BE(Math.floor(((index + Math.random()) / count) * 2 ** 32));
    insert.run(run, key, `c0123456789ab-${(from + index).toString(36)}`, expires + Math.floor(index / 100));
    filter.add(placeOf(key), bitsOf(key));
  }
  database
    .prepare(
      'INSERT INTO duplicate_runs (id, class, opened, size, earliest, latest, filter) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(run, classOf(windowMs), Date.now(), count, expires, expires + Math.floor(count / 100), filter.bytes);
}

/** In `path`: `count` events of 256 bytes that all wait for one destination, and ten for each of a hundred others. */
export async function fillWithWaiting(path: string, count: number): Promise<void> {
  await createDatabase(path);
  write(path, (database) => {
    const others = Array.from({ length: 100 }, (_, index) => `${namespaceUid}/other-${index}/trigger:t`);
    const all = [blocked, ...others];
    for (const [index, name] of all.entries()) {
      database.prepare('INSERT INTO destinations (id, name) VALUES (?, ?)').run(index + 1, name);
    }
    const total = count + others.length * 10;
    database
      .prepare('INSERT INTO scopes (id, uid, waiting_rows, waiting_bytes) VALUES (1, ?, ?, ?)')
      .run(namespaceUid, total, total * 700);
    const event = database.prepare(
      "INSERT INTO events (seq, scope, id, type, source, time, attributes, body) VALUES (?, ?, ?, 'com.acme.test', '/bench', ?, '{}', ?)",
    );
    const delivery = database.prepare(
      `INSERT INTO deliveries (event, destination, generation, state, due, background, attempts, crashes, epoch, scope, bytes)
       VALUES (?, ?, 0, 'waiting', ?, 0, 0, 0, 0, 1, 700)`,
    );
    const body = new Uint8Array(256).fill(65);
    const now = Date.now();
    for (let index = 0; index < total; index += 1) {
      event.run(index + 1, namespaceUid, `c0123456789ab-${index.toString(36)}`, now, body);
      delivery.run(index + 1, index < count ? 1 : 2 + (index % others.length), now - total + index);
    }
    database.prepare("UPDATE counters SET value = ? WHERE name IN ('created', 'waiting')").run(total);
  });
}

async function createDatabase(path: string): Promise<void> {
  const store = await openStore({ path, disk: { reserveBytes: 0 }, onLost: failOnLost });
  await store.close();
}

function write(path: string, work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(path);
  try {
    // Out of the log first: a database that has one keeps it.
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN');
    work(database);
    database.exec('COMMIT; PRAGMA journal_mode = DELETE');
  } finally {
    database.close();
  }
}

function isUsable(path: string, count: number): boolean {
  const database = new DatabaseSync(path);
  try {
    const row = database
      .prepare(
        'SELECT sum(keys) AS keys, (SELECT min(earliest) FROM duplicate_runs WHERE filter IS NOT NULL) AS expires FROM endpoints',
      )
      .get();
    const { keys, expires } = row as { keys: number; expires: number };
    return keys >= count && keys < count * 1.1 && expires > Date.now() + 3_600_000;
  } catch {
    return false;
  } finally {
    database.close();
  }
}
