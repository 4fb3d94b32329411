import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { createLogger } from '../telemetry/logger.ts';
import { openLocalStore } from './open-local-store.ts';

function place(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-store-'));
  context.after(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

const open = async (folder: string): Promise<void> => {
  const options = {
    settings: {},
    log: createLogger({ level: 'silent', terminal: false, stream: process.stderr }),
    randomBytes: () => new Uint8Array(8),
    onLost: assert.fail,
  };
  await (await openLocalStore(options, folder)).close();
};

test('a file that is no store is named with what to do, and stays as it is', async (context) => {
  const folder = place(context);
  const path = join(folder, 'store.db');
  const text = 'notes, not a database, longer than the header of one: '.repeat(40);
  writeFileSync(path, text);
  await assert.rejects(open(folder), {
    message: `cannot open ${path}: file is not a database; move it away, or choose another place with --data-dir`,
  });
  assert.equal(readFileSync(path, 'utf8'), text);
});

test('the store of a newer version is refused as that, and one of this version opens again', async (context) => {
  const newer = place(context);
  const database = new DatabaseSync(join(newer, 'store.db'));
  database.exec('create table a (x); pragma user_version = 9999');
  database.close();
  await assert.rejects(open(newer), /has schema version 9999, this program knows \d+: use a newer Moonhook$/);
  const own = place(context);
  await open(own);
  await open(own);
});
