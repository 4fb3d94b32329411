/**
 * What senders notice of operations: nothing. Functions are edited all the time, the controller starts anew, every runtime
 * is replaced, and each request has its answer.
 */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addRuntime, prepare, setEndpoints, startController } from '../kube/cluster-programs.ts';
import { eventually } from '../builders/eventually.ts';
import { apply, functionPath, openTrigger, webhookFunction } from '../kube/run-controller.ts';
import { useCluster } from '../kube/with-control-plane.ts';
import type { RuntimeProcess } from '../link/runtime-process.ts';

const { cluster, skip } = await useCluster();

const functions = 20;
const senders = 4;
const editsPerSecond = 50;
/** Edits under way at once: a slow machine makes fewer. */
const mostEdits = 8;
const longMs = 120_000;

/** Status and body of one request over a connection of its own, as a sender's first request has it. */
function ask(publicUrl: string, index: number): Promise<string> {
  return new Promise((resolve) => {
    const request = get(`${publicUrl}/team-a/hook-${index}`, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.once('close', () => resolve(`${response.statusCode} ${text}`));
      response.once('error', (error) => resolve(error.message));
    });
    request.once('error', (error) => resolve(error.message));
  });
}

test(
  'no request fails while functions are edited, the controller restarts and all runtimes roll',
  { skip },
  async () => {
    assert.ok(cluster);
    const { plane, client } = cluster;
    await prepare(plane, client);
    let controller = await startController(plane);
    after(() => controller.end());
    const runtimes: RuntimeProcess[] = [];
    after(() => Promise.all(runtimes.map((runtime) => runtime.close())));
    /** As a Service would have it. */
    let ready: readonly RuntimeProcess[] = [];
    const start = async (name: string): Promise<RuntimeProcess> => {
      const runtime = await addRuntime({ client, controller }, name);
      runtimes.push(runtime);
      await eventually(`${name} is ready`, () => runtime.ready(), runtime.log, longMs);
      return runtime;
    };
    const give = async (next: readonly RuntimeProcess[]): Promise<void> => {
      ready = next;
      await setEndpoints({ client }, next);
    };

    const versions = Array.from({ length: functions }, () => 0);
    const write = (index: number): Promise<unknown> =>
      apply(
        client,
        functionPath('team-a', `hook-${index}`),
        webhookFunction(`hook-${index}`, {
          code: `return function() return "version ${versions[index]}" end`,
          triggers: [openTrigger(`hook-${index}`)],
        }),
      );
    const answersNewest = async (): Promise<void> => {
      for (const runtime of ready) {
        for (const [index, version] of versions.entries()) {
          const wanted = `200 version ${version}`;
          const what = `${runtime.pod.name} answers ${wanted} for hook-${index}`;
          await eventually(what, async () => (await ask(runtime.publicUrl, index)) === wanted, runtime.log, longMs);
        }
      }
    };
    for (const index of versions.keys()) await write(index);
    await give([await start('before-0'), await start('before-1')]);
    await answersNewest();

    const over = new AbortController();
    const failed: string[] = [];
    const troubles: string[] = [];
    let [asked, edited, editing] = [0, 0, 0];
    const send = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const runtime = ready[asked % ready.length];
        const index = asked % functions;
        asked += 1;
        assert.ok(runtime !== undefined);
        const answer = await ask(runtime.publicUrl, index);
        if (!/^200 version \d+$/.test(answer)) failed.push(`${runtime.pod.name}: ${answer}`);
      }
    };
    const edit = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await sleep(1_000 / editsPerSecond);
        if (editing >= mostEdits) continue;
        const index = edited % functions;
        edited += 1;
        editing += 1;
        versions[index] = (versions[index] ?? 0) + 1;
        void write(index)
          .catch((error: unknown) => troubles.push(String(error)))
          .finally(() => (editing -= 1));
      }
    };
    const working = [...Array.from({ length: senders }, send), edit()];
    try {
      await sleep(1_000);
      assert.ok(asked > 0 && edited > 0);

      await controller.end('SIGTERM');
      const askedWithout = asked;
      await eventually('requests go on without a controller', () => asked > askedWithout + 20);
      controller = await startController(plane, {}, controller.link);

      for (const [position, name] of ['after-0', 'after-1'].entries()) {
        const next = await start(name);
        const old = ready[0];
        await give([...ready.slice(1), next]);
        assert.equal(await old?.end(), 0, `${position} drains and ends`);
      }
    } finally {
      over.abort();
      await Promise.all(working);
    }
    await eventually('all edits are written', () => editing === 0);
    await answersNewest();
    assert.deepEqual(troubles, []);
    assert.deepEqual(failed, [], `${failed.length} of ${asked} requests`);
    assert.ok(asked > 100 && edited > 50, `${asked} requests, ${edited} edits`);
    // The control: one of a runtime that has ended would have been noticed.
    assert.doesNotMatch(await ask(runtimes[0]?.publicUrl ?? '', 0), /^200/);
  },
);
