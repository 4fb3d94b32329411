/**
 * The whole way against a real API server: written, watched, built, sent, loaded, answered, judged. Controller and three
 * runtimes are processes; everything is on this machine, the API server and etcd too.
 */
import type { WatchedObject } from '../src/controller/watched-resources.ts';
import { prepareKube } from '../test/kube/build-kube.ts';
import { startControlPlane } from '../test/kube/control-plane.ts';
import { eventually } from '../test/builders/eventually.ts';
import { apply, functionPath } from '../test/kube/run-controller.ts';
import { bodyOf, clientOf } from '../test/kube/with-control-plane.ts';
import type { RuntimeProcess } from '../test/link/runtime-process.ts';
import { hook, measureEdits } from './cluster-edits.ts';
import {
  addRuntime,
  prepare,
  setEndpoints,
  startController,
  type Controller,
  type Stage,
} from '../test/kube/cluster-programs.ts';
import type { Measure, Suite } from './measure.ts';

const sizes = [3_000, 10_000] as const;
/** Requests under way to the API server while functions are created. */
const writers = 32;
const longestMs = 300_000;

export const suite: Suite = {
  name: 'cluster',
  async run(progress) {
    const kube = await prepareKube();
    if (!kube.ok) return [{ name: 'functions through a real API server', reason: kube.why }];
    const plane = await startControlPlane(kube.binaries);
    const client = clientOf(plane.kubeconfig);
    const runtimes: RuntimeProcess[] = [];
    let controller: Controller | undefined;
    try {
      await prepare(plane, client);
      controller = await startController(plane);
      const stage: Stage = { plane, client, controller, runtimes };
      for (let index = 0; index < 3; index += 1) runtimes.push(await addRuntime(stage, `runtime-${index}`));
      await setEndpoints(stage, runtimes);
      const measures: Measure[] = [];
      for (const [step, size] of sizes.entries()) {
        progress(`up to ${size} functions`);
        measures.push(...(await create(stage, sizes[step - 1] ?? 0, size)));
        progress(`edits among ${size}`);
        measures.push(...(await measureEdits(stage, size, { p50: 15, p99: 50 })));
      }
      progress('a pod goes, another comes');
      measures.push(...(await exchange(stage)));
      return measures;
    } finally {
      for (const runtime of runtimes) await runtime.close();
      await controller?.end();
      await client.close();
      await plane.stop();
    }
  },
};

async function create(stage: Stage, from: number, size: number): Promise<readonly Measure[]> {
  const { client, controller } = stage;
  const writes = (): Promise<number> => controller.metric('status_writes_total');
  const writesBefore = await writes();
  const began = performance.now();
  let next = from;
  const work = async (): Promise<void> => {
    while (next < size) {
      const index = next++;
      await apply(client, functionPath('team-a', `hook-${index}`), hook(index, 'first'));
    }
  };
  await Promise.all(Array.from({ length: writers }, work));
  const written = performance.now();
  const programmed = async (): Promise<boolean> =>
    (await controller.metric('controller_functions')) === size &&
    (await controller.metric('apply_to_programmed_seconds_count')) >= size;
  await eventually('all are programmed', programmed, () => undefined, longestMs);
  const done = performance.now();
  const meanwhile = await editAmongWaiting(stage, from);
  const settled = async (): Promise<boolean> => (await controller.metric('status_waiting')) === 0;
  await eventually('all statuses are written', settled, () => undefined, longestMs);
  const told = performance.now();
  const rate = (size - from) / ((written - began) / 1000);
  return [
    {
      name: `${size} functions: the last write → all programmed on 3 runtimes`,
      value: (done - written) / 1000,
      unit: 's',
      ...(size === 10_000 ? { goal: { compare: '<=', value: 5 } as const } : {}),
      note: `${size - from} created at ${Math.round(rate)}/s by ${writers} writers`,
    },
    {
      name: `${size} functions: the last write → all statuses written`,
      value: (told - written) / 1000,
      unit: 's',
      note: `${(((await writes()) - writesBefore) / (size - from)).toFixed(2)} writes a function; an edit meanwhile had its status after ${meanwhile}`,
    },
    {
      name: `${size} functions: memory of the controller`,
      value: controller.residentMB(),
      unit: 'MB',
      ...(size === 10_000 ? { goal: { compare: '<=', value: 400 } as const } : {}),
    },
  ];
}

/** How long an edit waits for its status, and how many others wait then. */
async function editAmongWaiting({ client, controller }: Stage, index: number): Promise<string> {
  const path = functionPath('team-a', `hook-${index}`);
  const waiting = await controller.metric('status_waiting');
  const { generation } = (await apply(client, path, hook(index, 'while others wait'))).metadata;
  const began = performance.now();
  await eventually(
    'its status is written',
    async () => {
      const { status } = bodyOf(await client.request<WatchedObject>({ path }));
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      return status?.observedGeneration === generation && ready?.status === 'True';
    },
    () => undefined,
    longestMs,
  );
  return `${Math.round(performance.now() - began)} ms, while ${waiting} others waited`;
}

async function exchange(stage: Stage): Promise<readonly Measure[]> {
  const { controller, runtimes } = stage;
  const before = await controller.metric('status_writes_total');
  await runtimes.pop()?.close();
  await setEndpoints(stage, runtimes);
  const began = performance.now();
  const late = await addRuntime(stage, 'runtime-late');
  runtimes.push(late);
  await eventually(
    'it is ready',
    () => late.ready(),
    () => undefined,
    longestMs,
  );
  const served = performance.now() - began;
  await setEndpoints(stage, runtimes);
  // Whatever it would write, it would have by now: another function's edit is judged.
  await apply(stage.client, functionPath('team-a', 'hook-0'), hook(0, 'after the exchange'));
  await eventually('an edit is judged', async () => (await controller.metric('status_writes_total')) > before);
  const settled = async (): Promise<boolean> => (await controller.metric('status_waiting')) === 0;
  await eventually('nothing waits', settled, () => undefined, longestMs);
  return [
    {
      name: 'a runtime starts, 10,000 functions: ready',
      value: served / 1000,
      unit: 's',
      goal: { compare: '<=', value: 3 },
      note: 'from the start of its process, one worker thread',
    },
    {
      name: 'a pod goes and another comes, 10,000 functions: statuses written',
      value: (await controller.metric('status_writes_total')) - before,
      unit: '',
      goal: { compare: '<=', value: 3 },
      note: 'those of one edit that was made to see the end',
    },
  ];
}
