/** A function that kills its process among innocent ones: the innocent all run, the killer dies, and the work ends. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';

const innocents = 60;

test('an event that kills its process dies with the reason, the sixty around it are done', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-poison-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'store.db');
  const start = async (mode: 'fill' | 'run'): Promise<number | null> => {
    const child = fork(join(import.meta.dirname, 'poisoned-process.ts'), [path, mode, String(innocents)]);
    t.after(() => child.kill('SIGKILL'));
    const [code] = (await once(child, 'exit')) as [number | null];
    return code;
  };
  assert.equal(await start('fill'), 0);
  let lives = 0;
  while ((await start('run')) !== 0) {
    lives += 1;
    assert.ok(lives <= 4, 'it kills more often than four times');
  }
  const database = new DatabaseSync(path);
  const rows = database
    .prepare('SELECT e.id, d.state, d.reason FROM deliveries d JOIN events e ON e.seq = d.event')
    .all() as unknown as { id: string; state: string; reason: string | null }[];
  const kept = database.prepare("SELECT count(*) AS count FROM key_values WHERE space = 'innocent'").get() as {
    count: number;
  };
  database.close();
  t.diagnostic(`${lives} processes were killed`);
  assert.equal(lives, 4);
  const states = new Map(rows.map(({ id, state, reason }) => [id, reason ?? state]));
  assert.equal(states.size, innocents + 1);
  for (const [id, state] of states) assert.equal(state, id === 'poison' ? 'RuntimeLost' : 'done', id);
  assert.equal(kept.count, innocents);
});
