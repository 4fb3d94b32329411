/** kill -9 of the whole program under load: every request that was answered 202 runs, and what it wrote is written once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { times } from './extent.ts';
import { startProduct } from './start-product.ts';

const kills = times(1, 20);
const senders = 8;

const hooks = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: orders }
spec:
  code: |
    return {
      take = function(event)
        kv.set("order/" .. event.data.id, true)
        kv.incr("runs")
      end,
      seen = function(event)
        local found, cursor = {}, event.request.query.after
        local keys = kv.list("order/", { limit = 500, cursor = cursor })
        for _, key in ipairs(keys) do found[#found + 1] = key end
        return { keys = json.array(found), runs = kv.get("runs") or 0 }
      end,
    }
  triggers:
    - { name: take, http: { path: take, methods: [POST], mode: async, receiver: { open: {} } } }
    - { name: seen, http: { path: seen, receiver: { open: {} } } }
`;

/** Sends until the program is gone; answers nothing: what was accepted is remembered in `accepted`. */
async function send(url: string, prefix: string, accepted: Set<string>): Promise<void> {
  for (let index = 0; index < 100_000; index++) {
    const id = `${prefix}-${index}`;
    try {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${url}/default/take`, { method: 'POST', headers, body: JSON.stringify({ id }) });
      if (answer.status === 202) accepted.add(id);
      await answer.arrayBuffer();
    } catch {
      return;
    }
  }
}

async function seen(url: string): Promise<{ ids: Set<string>; runs: number }> {
  const ids = new Set<string>();
  let after = '';
  for (;;) {
    const answer = await fetch(`${url}/default/seen?after=${encodeURIComponent(after)}`);
    const { keys, runs } = (await answer.json()) as { keys: string[]; runs: number };
    for (const key of keys) ids.add(key.slice('order/'.length));
    const last = keys.at(-1);
    if (last === undefined || keys.length < 500) return { ids, runs };
    after = last;
  }
}

test(`${kills} times kill -9 of the program under load: every 202 is kept, and runs or says why`, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-product-'));
  t.after(() => rm(folder, { recursive: true }));
  const functions = join(folder, 'functions');
  await mkdir(functions);
  await writeFile(join(functions, 'orders.yaml'), hooks);
  const accepted = new Set<string>();
  for (let run = 0; run < kills; run++) {
    const { child, url } = await startProduct(functions);
    const sending = Array.from({ length: senders }, (_, sender) => send(url, `${run}-${sender}`, accepted));
    // After so many more answers, not after a time: a machine that is busy must not make this easy.
    const enough = accepted.size + 30 + ((run * 97) % 200);
    const looking = setInterval(() => {
      if (accepted.size >= enough) child.kill('SIGKILL');
    }, 5);
    await once(child, 'exit');
    clearInterval(looking);
    await Promise.all(sending);
  }
  const { child, url } = await startProduct(functions);
  t.after(() => child.kill('SIGKILL'));
  // What died with its process twice runs alone now, once this process is old enough.
  const until = Date.now() + 60_000;
  let found = await seen(url);
  const missing = (): string[] => [...accepted].filter((id) => !found.ids.has(id));
  while ((missing().length > 0 || found.runs !== found.ids.size) && Date.now() < until) found = await seen(url);
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  const dead = deadOf(join(folder, '.moonhook', 'store.db'));
  const lost = missing();
  t.diagnostic(`accepted ${accepted.size}, run ${found.ids.size}, dead ${dead.size}, lost ${lost.length}`);
  assert.ok(accepted.size > 20 * kills, 'the load was too small to show anything');
  assert.deepEqual(lost, []);
  assert.deepEqual([...dead], [], 'no order kills its process');
  // Effects land once per settled attempt: as many increments as keys, whatever was repeated.
  assert.equal(found.runs, found.ids.size);
});

/** The order ids of dead deliveries with their reason. */
function deadOf(path: string): ReadonlyMap<string, string> {
  const database = new DatabaseSync(path);
  const rows = database
    .prepare("SELECT e.body, d.reason FROM deliveries d JOIN events e ON e.seq = d.event WHERE d.state = 'dead'")
    .all() as unknown as { body: Uint8Array; reason: string }[];
  database.close();
  return new Map(
    rows.map(({ body, reason }) => [(JSON.parse(Buffer.from(body).toString()) as { id: string }).id, reason]),
  );
}
