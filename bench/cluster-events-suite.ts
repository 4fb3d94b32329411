/**
 * Cluster events at scale against a real API server: 5,000 Pods of which 500 change a second, and functions that are told.
 * Writer, recorder, controller, runtime, API server and etcd are processes of this machine; no node runs the Pods.
 */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '../src/controller/kube-object.ts';
import { prepareKube } from '../test/kube/build-kube.ts';
import { startControlPlane } from '../test/kube/control-plane.ts';
import { makeAccount, mayWatch } from '../test/kube/event-cluster.ts';
import { eventually } from '../test/kube/eventually.ts';
import { apply, functionPath, webhookFunction, type StatusObject } from '../test/kube/run-controller.ts';
import { bodyOf, clientOf } from '../test/kube/with-control-plane.ts';
import type { RuntimeProcess } from '../test/link/runtime-process.ts';
import type { LoadOrder, LoadReport } from './cluster-events-load.ts';
import { podOf } from './cluster-events-pod.ts';
import { startRecorder, type Recorder, type Told } from './cluster-events-recorder.ts';
import {
  addRuntime,
  prepare,
  setEndpoints,
  startController,
  type Controller,
  type Stage,
} from '../test/kube/cluster-programs.ts';
import { quantile, type Measure, type Suite } from './measure.ts';
import { linesBeside, watchPods } from './watch-pods.ts';

const pods = 5_000;
const perSecond = 500;
const seconds = 20;
const writers = 32;
const longestMs = 120_000;

export const suite: Suite = {
  name: 'cluster-events',
  async run(progress) {
    const kube = await prepareKube();
    const name = 'cluster events through a real API server';
    if (!kube.ok) return [{ name, reason: kube.why }];
    const address = ownAddress();
    if (address === undefined) return [{ name, reason: 'this machine has only loopback, which no function reaches' }];
    const plane = await startControlPlane(kube.binaries);
    const client = clientOf(plane.kubeconfig);
    const runtimes: RuntimeProcess[] = [];
    const recorder = await startRecorder(address);
    const policy = join(tmpdir(), `moonhook-bench-policy-${process.pid}.yaml`);
    let controller: Controller | undefined;
    try {
      writeFileSync(policy, JSON.stringify({ egress: { grants: [new URL(recorder.url).host] } }));
      await prepare(plane, client);
      controller = await startController(plane, { MOONHOOK_POLICY_FILE: policy });
      const stage: Stage = { plane, client, controller, runtimes };
      runtimes.push(await addRuntime(stage, 'runtime-0'));
      await setEndpoints(stage, runtimes);
      await makeAccount(client, 'team-a', 'hooks');
      await mayWatch(client, 'hooks', { group: '', resource: 'pods' }, 'team-a');
      progress(`${pods} pods`);
      await makePods(stage);
      progress('three functions begin with them');
      const empty = controller.residentMB();
      const begun = await begin(stage, recorder.url);
      progress(`${perSecond} changes a second for ${seconds} s`);
      return [...begun, ...(await change(stage, recorder, empty))];
    } finally {
      recorder.close();
      for (const runtime of runtimes) await runtime.close();
      await controller?.end();
      await client.close();
      await plane.stop();
      rmSync(policy, { force: true });
    }
  },
};

/** Functions of a cluster never reach loopback. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}

async function makePods({ client }: Stage): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < pods) bodyOf(await client.request({ method: 'POST', path, body: podOf(next++) }));
  };
  const path = '/api/v1/namespaces/team-a/pods';
  await Promise.all(Array.from({ length: writers }, work));
}

const chosen = { apiVersion: 'v1', kind: 'Pod', labelSelector: { matchLabels: { app: 'load' } } };

/** One is told everything; one wants the same objects and other events; one has another selector, and a filter. */
async function begin({ client, controller }: Stage, url: string): Promise<readonly Measure[]> {
  const code = `return function(event)
  local object = event.data.object
  local told, err = http.post(${JSON.stringify(url)}, {
    json = { name = object.metadata.name, event = event.name, version = object.metadata.resourceVersion },
  })
  if told == nil then error(err.message) end
end`;
  const quiet = 'return function() end';
  const wishes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    everything: { code, kubernetes: { ...chosen, events: ['Added', 'Modified', 'Deleted', 'Left'] } },
    endings: { code: quiet, kubernetes: { ...chosen, events: ['Deleted'] } },
    shard: {
      code: quiet,
      kubernetes: { ...chosen, labelSelector: { matchLabels: { shard: '3' } }, changed: 'object.status.phase' },
    },
  };
  const began = performance.now();
  for (const [name, { code: own, kubernetes }] of Object.entries(wishes)) {
    const triggers = [{ name: 'watched', kubernetes }];
    const spec = { code: own, serviceAccountName: 'hooks', triggers };
    await apply(client, functionPath('team-a', name), webhookFunction(name, spec));
  }
  let status: StatusObject | undefined;
  for (const name of Object.keys(wishes)) {
    await eventually(
      `the trigger of ${name} is ready`,
      async () => {
        status = bodyOf(await client.request<StatusObject>({ path: functionPath('team-a', name) }));
        const triggers = (status.status?.triggers ?? []) as readonly { readonly ready?: boolean }[];
        return triggers.length > 0 && triggers.every(({ ready }) => ready === true);
      },
      () => status?.status,
      longestMs,
    );
  }
  return [
    {
      name: `${pods} pods: three functions applied → baselines committed`,
      value: (performance.now() - began) / 1000,
      unit: 's',
      note: `${await controller.metric('kubernetes_trigger_watches')} watches, ${await controller.metric('kubernetes_trigger_objects')} objects copied`,
    },
  ];
}

async function change(stage: Stage, recorder: Recorder, emptyMB: number): Promise<readonly Measure[]> {
  const { plane, controller, runtimes } = stage;
  const processes = {
    etcd: plane.etcd.pid(),
    'API server': plane.apiServer.pid(),
    controller: controller.pid,
    runtime: runtimes[0]?.pid ?? 0,
    recorder: process.pid,
  };
  const before = Object.entries(processes).map(([, pid]) => cpuSeconds(pid));
  const began = performance.now();
  let mostMB = 0;
  const look = setInterval(() => (mostMB = Math.max(mostMB, controller.residentMB())), 500);
  const beside = await watchPods(stage.client, '/api/v1/namespaces/team-a/pods', 'app=load');
  const report = await load({ kubeconfig: plane.kubeconfig, pods, perSecond, seconds });
  const lastWrite = Math.max(...report.writes.map(([, , answeredAt]) => answeredAt));
  const finals = await readFinals(stage, report.touched);
  const missing = (): readonly string[] =>
    [...finals].filter(([name, final]) => !isTold(final, recorder.told.get(name)?.at(-1))).map(([name]) => name);
  await eventually(
    'every final state was told',
    () => missing().length === 0,
    () =>
      missing()
        .map((name) => [name, finals.get(name), recorder.told.get(name)])
        .slice(0, 5),
    longestMs,
  ).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  clearInterval(look);
  beside.stop();
  const wall = (performance.now() - began) / 1000;
  const shares = Object.entries(processes).map(
    ([name, pid], index) => `${name} ${(((cpuSeconds(pid) - (before[index] ?? 0)) / wall) * 100).toFixed(0)} %`,
  );
  const all = [...recorder.told.values()];
  const lastTold = Math.max(...all.flat().map(({ at }) => at));
  const backwards = all.filter((told) => {
    return told.some(({ version }, index) => version < (told[index - 1]?.version ?? 0));
  });
  const writeMs = report.writes.map(([, askedAt, answeredAt]) => answeredAt - askedAt);
  const rate = report.writes.length / ((lastWrite - Math.min(...report.writes.map(([, askedAt]) => askedAt))) / 1000);
  const opened = watchesOpened(plane.folder);
  return [
    {
      name: 'final states that were not told',
      value: missing().length,
      unit: '',
      goal: { compare: '<=', value: 0 },
      note: `${report.writes.length} writes at ${Math.round(rate)}/s (${report.refused} refused) to ${finals.size} pods, ${recorder.calls()} calls; all told ${((lastTold - lastWrite) / 1000).toFixed(2)} s after the last write`,
    },
    { name: 'pods whose calls went backwards', value: backwards.length, unit: '', goal: { compare: '<=', value: 0 } },
    ...latencies(report, recorder),
    ...linesBeside(report, recorder, beside.seen),
    {
      name: 'the write itself, p50',
      value: quantile(writeMs, 0.5),
      unit: 'ms',
      note: `p99 ${quantile(writeMs, 0.99).toFixed(0)} ms: asked → answered by the API server`,
    },
    {
      name: 'watches of Pods opened, for two distinct selectors of one account',
      value: opened.distinct,
      unit: '',
      goal: { compare: '<=', value: 2 },
      note: `${opened.all} opened in all, by the API server's audit log`,
    },
    {
      name: 'memory of the controller, at most',
      value: mostMB,
      unit: 'MB',
      note: `${emptyMB.toFixed(0)} MB before the triggers; ${Math.round((await controller.metric('kubernetes_trigger_objects')) ?? 0)} objects copied at the end`,
    },
    { name: 'changes a second', value: rate, unit: '/s', note: `share of a core: ${shares.join(', ')}` },
  ];
}

interface Final {
  readonly event: string;
  readonly version: number;
}

/** What became of pods, by the API server. */
async function readFinals({ client }: Stage, touched: readonly string[]): Promise<ReadonlyMap<string, Final>> {
  const path = '/api/v1/namespaces/team-a/pods';
  const { items } = bodyOf(await client.request<{ readonly items: readonly KubeObject[] }>({ path }));
  const living = new Map(items.map((pod) => [pod.metadata.name, pod]));
  return new Map(
    touched.map((name) => {
      const pod = living.get(name);
      const event = pod === undefined ? 'deleted' : pod.metadata.labels?.['app'] === undefined ? 'left' : 'modified';
      return [name, { event, version: Number(pod?.metadata.resourceVersion ?? 0) }];
    }),
  );
}

function isTold(final: Final, last: Told | undefined): boolean {
  return last?.event === final.event && (final.event === 'deleted' || last.version === final.version);
}

/** From the response of a write to the call that was told that very state; states that were merged have none. */
function latencies({ writes }: LoadReport, { told }: Recorder): readonly Measure[] {
  const answered = new Map(writes.map(([version, , answeredAt]) => [version, answeredAt]));
  const waits = [...told.values()].flat().flatMap(({ event, version, at }) => {
    const since = event === 'modified' ? answered.get(version) : undefined;
    return since === undefined ? [] : [Math.max(0, at - since)];
  });
  const note = `${waits.length} states, from the response of the write to the function's request`;
  return [
    { name: 'API write → function, p50', value: quantile(waits, 0.5), unit: 'ms', note },
    {
      name: 'API write → function, p99',
      value: quantile(waits, 0.99),
      unit: 'ms',
      goal: { compare: '<=', value: 1_000 },
      note: `at most ${Math.max(...waits).toFixed(0)} ms`,
    },
  ];
}

async function load(order: LoadOrder): Promise<LoadReport> {
  const program = join(import.meta.dirname, 'cluster-events-load.ts');
  const done = await promisify(execFile)(process.execPath, ['--', program, JSON.stringify(order)], {
    maxBuffer: 64 * 1024 * 1024,
    timeout: longestMs,
  });
  return JSON.parse(done.stdout) as LoadReport;
}

/** User and system time so far (proc(5): fields 14 and 15, in hundredths). */
function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

interface AuditedWatch {
  readonly verb: string;
  readonly stage: string;
  readonly requestURI: string;
  readonly impersonatedUser?: { readonly username: string };
}

function watchesOpened(folder: string): { readonly all: number; readonly distinct: number } {
  const watched = readFileSync(join(folder, 'audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"verb":"watch"') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as AuditedWatch)
    .filter(({ stage, requestURI, impersonatedUser }) => {
      // The benchmark's own is nobody else's.
      return stage === 'ResponseStarted' && impersonatedUser !== undefined && requestURI.includes('/team-a/pods?');
    })
    .map(({ requestURI, impersonatedUser }) => {
      const query = new URL(requestURI, 'http://localhost').searchParams;
      return `${impersonatedUser?.username} ${query.get('labelSelector')} ${query.get('fieldSelector')}`;
    });
  return { all: watched.length, distinct: new Set(watched).size };
}
