import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StoredRecord } from './records.ts';
import { openSqliteRecords } from './sqlite-records.ts';

test('the file gives back what it needed for records that are gone', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-records-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'records.db');
  const records = openSqliteRecords(path, { maxBytes: 1 << 26, keepMs: 1000 });
  const of = (time: number): StoredRecord => ({
    namespaceUid: 'ns',
    time,
    namespace: 'a',
    functionName: 'f',
    subscription: '',
    trigger: '',
    outcome: 'error',
    logged: false,
    ids: [`r${time}`],
    content: new Uint8Array(8192),
  });
  for (let batch = 0; batch < 5; batch += 1) {
    records.add(Array.from({ length: 500 }, (_, index) => of(batch * 500 + index)));
  }
  const megabyte = 1 << 20;
  const settle = async (): Promise<number> => {
    for (let turn = 0; turn < 30; turn += 1) records.trim(100_000);
    records.close();
    return (await stat(path)).size;
  };
  const size = await settle();
  assert.ok(size < 8 * megabyte, `${size} bytes are left of more than 20 MiB`);
});
