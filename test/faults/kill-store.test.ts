/** kill -9 of the process that owns the store, at random moments under load: nothing that was promised may be missing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { randomFrom, seed, times } from './extent.ts';

const kills = times(10, 60);

interface Promised {
  readonly accepted: Set<string>;
  readonly settled: Set<string>;
}

async function runAndKill(path: string, run: number, afterMs: number, promised: Promised): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'store-process.ts'), path, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'ready') setTimeout(() => child.kill('SIGKILL'), afterMs);
    else if (line.startsWith('A ')) promised.accepted.add(line.slice(2));
    else if (line.startsWith('D ')) promised.settled.add(line.slice(2));
  }
  await gone;
}

test(`${kills} times kill -9 under load loses nothing that was answered`, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-kill-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'store.db');
  const promised: Promised = { accepted: new Set(), settled: new Set() };
  const next = randomFrom(seed);
  for (let run = 0; run < kills; run++) await runAndKill(path, run, 30 + next() * 400, promised);

  const database = new DatabaseSync(path);
  const check = database.prepare('PRAGMA integrity_check').get() as { integrity_check: string };
  assert.equal(check.integrity_check, 'ok');
  const rows = database
    .prepare('SELECT e.id, d.state FROM events e JOIN deliveries d ON d.event = e.seq')
    .all() as unknown as { id: string; state: string }[];
  const states = new Map(rows.map(({ id, state }) => [id, state]));
  const lost = [...promised.accepted].filter((id) => !states.has(id));
  const undone = [...promised.settled].filter((id) => states.get(id) !== 'done');
  t.diagnostic(
    `accepted ${promised.accepted.size}, settled ${promised.settled.size}, lost ${lost.length}, undone ${undone.length}`,
  );
  assert.ok(promised.accepted.size > 100 * kills, 'the load was too small to show anything');
  assert.deepEqual([lost, undone], [[], []]);

  const counted = database.prepare('SELECT name, value FROM counters').all() as unknown as {
    name: string;
    value: number;
  }[];
  const counters = new Map(counted.map(({ name, value }) => [name, value]));
  assert.equal(counters.get('created'), rows.length, 'what was created is what is there');
  for (const state of ['waiting', 'leased', 'done']) {
    assert.equal(counters.get(state), rows.filter((row) => row.state === state).length, state);
  }
  const sum = database.prepare("SELECT value FROM key_values WHERE key = 'settled'").get() as { value: Uint8Array };
  const done = rows.filter(({ state }) => state === 'done').length;
  assert.equal(
    Number(Buffer.from(sum.value).toString()),
    done,
    'each settled delivery wrote its key-value change once',
  );
  database.close();
});
