/** A disk that is full: no 202 any more, a 503 that says to come back, and everything answered before is there afterwards. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProduct } from './start-product.ts';

const limitKib = 3000;
const hooks = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: orders }
spec:
  code: |
    return {
      take = function(event) kv.set("order/" .. event.data.id, true) end,
      seen = function(event) return json.array(kv.list("order/", { limit = 1000 })) end,
      hello = function() return "hello" end,
    }
  triggers:
    - { name: take, http: { path: take, methods: [POST], mode: async, receiver: { open: {} } } }
    - { name: seen, http: { path: seen, receiver: { open: {} } } }
    - { name: hello, http: { path: hello, receiver: { open: {} } } }
`;

test('a full disk gives 503 and never a 202, synchronous calls go on, and nothing that was accepted is lost', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-full-'));
  t.after(() => rm(folder, { recursive: true }));
  const functions = join(folder, 'functions');
  await mkdir(functions);
  await writeFile(join(functions, 'orders.yaml'), hooks);
  const accepted: string[] = [];
  const full = await startProduct(functions, limitKib);
  t.after(() => full.child.kill('SIGKILL'));
  let refusal: Response | undefined;
  for (let index = 0; index < 400 && refusal === undefined; index++) {
    const id = String(index).padStart(4, '0');
    const body = JSON.stringify({ id, filler: 'x'.repeat(50_000) });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${full.url}/default/take`, { method: 'POST', headers, body });
    if (answer.status === 202) accepted.push(id);
    else refusal = answer;
  }
  assert.ok(refusal, 'the limit was never met');
  assert.equal(refusal.status, 503);
  assert.ok(Number(refusal.headers.get('retry-after')) >= 1);
  // The write that met the end of the disk may be this call's own or one behind it.
  assert.match(((await refusal.json()) as { code: string }).code, /^(?:StoreUnavailable|DiskLow)$/);
  const next = await fetch(`${full.url}/default/take`, { method: 'POST', body: '{"id":"next"}' });
  assert.deepEqual([next.status, ((await next.json()) as { code: string }).code], [503, 'DiskLow']);
  assert.equal(await (await fetch(`${full.url}/default/hello`)).text(), 'hello');
  full.child.kill('SIGKILL');
  await once(full.child, 'exit');

  const again = await startProduct(functions);
  t.after(async () => {
    again.child.kill('SIGTERM');
    if (again.child.exitCode === null) await once(again.child, 'exit');
  });
  const until = Date.now() + 30_000;
  let keys: string[] = [];
  while (keys.length < accepted.length && Date.now() < until) {
    keys = (await (await fetch(`${again.url}/default/seen`)).json()) as string[];
  }
  t.diagnostic(`accepted ${accepted.length}, run ${keys.length}`);
  assert.deepEqual(
    accepted.filter((id) => !keys.includes(`order/${id}`)),
    [],
  );
});
