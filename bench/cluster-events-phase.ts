/** One phase of the cluster-event benchmark: Pods change at a rate, and what functions are told is held against it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '../src/controller/kube-object.ts';
import type { Stage } from '../test/kube/cluster-programs.ts';
import { eventually } from '../test/builders/eventually.ts';
import { bodyOf } from '../test/kube/with-control-plane.ts';
import type { LoadOrder, LoadReport } from './cluster-events-load.ts';
import { podsPath } from './cluster-events-pod.ts';
import type { Recorder, Told } from './cluster-events-recorder.ts';
import { quantile, type Measure } from './measure.ts';
import { linesBeside, watchPods } from './watch-pods.ts';

export interface Phase {
  /** In front of its measures. */
  readonly name: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** Of the way from a write to the function, the 99th percentile. */
  readonly goalMs?: number;
}

const labelSelector = 'app=load';
const longestMs = 120_000;

export async function runPhase(stage: Stage, recorder: Recorder, phase: Phase): Promise<readonly Measure[]> {
  const { plane, controller, runtimes } = stage;
  const processes = {
    'API server': plane.apiServer.pid(),
    etcd: plane.etcd.pid(),
    controller: controller.pid,
    runtime: runtimes[0]?.pid ?? 0,
    recorder: process.pid,
  };
  const beside = await watchPods(stage.client, podsPath, labelSelector);
  const callsBefore = recorder.calls();
  const before = Object.values(processes).map((pid) => cpuSeconds(pid));
  const machineBefore = machineSeconds();
  const began = performance.now();
  const { perSecond, seconds } = phase;
  const { server, token, ca } = plane;
  const report = await load({ server, token, ca, path: podsPath, labelSelector, perSecond, seconds });
  const wall = (performance.now() - began) / 1000;
  const machine = machineSeconds() - machineBefore;
  const used = Object.entries(processes).map(
    ([name, pid], index) => [name, cpuSeconds(pid) - (before[index] ?? 0)] as const,
  );
  const known = used.reduce((sum, [, spent]) => sum + spent, report.cpu);
  const shares = [
    ...used,
    ['writer', report.cpu] as const,
    ['everything else on the machine', machine - known] as const,
  ]
    .map(([name, spent]) => `${name} ${((spent / wall) * 100).toFixed(0)} %`)
    .join(', ');
  const finals = await readFinals(stage, report.touched);
  const missing = await waitUntilTold(recorder, finals);
  beside.stop();
  const backwards = [...recorder.told.values()].filter((told) =>
    told.some(({ version }, index) => version < (told[index - 1]?.version ?? 0)),
  );
  const writeMs = report.writes.map(([, askedAt, answeredAt]) => answeredAt - askedAt);
  const firstWrite = Math.min(...report.writes.map(([, askedAt]) => askedAt));
  const lastWrite = Math.max(...report.writes.map(([, , answeredAt]) => answeredAt));
  const lastTold = Math.max(...[...recorder.told.values()].flat().map(({ at }) => at));
  const rate = report.writes.length / ((lastWrite - firstWrite) / 1000);
  const measures: readonly Measure[] = [
    {
      name: 'writes a second that the API server took',
      value: rate,
      unit: '/s',
      note: `of ${perSecond}; share of a core: ${shares}`,
    },
    {
      name: 'final states that were not told',
      value: missing.length,
      unit: '',
      goal: { compare: '<=', value: 0 },
      note: `${report.writes.length} writes (${report.refused} refused) to ${finals.size} pods, ${recorder.calls() - callsBefore} calls; all told ${(Math.max(0, lastTold - lastWrite) / 1000).toFixed(2)} s after the last write`,
    },
    { name: 'pods whose calls went backwards', value: backwards.length, unit: '', goal: { compare: '<=', value: 0 } },
    ...latencies(report, recorder, phase.goalMs),
    ...linesBeside(report, recorder, beside.seen),
    {
      name: 'the write itself, p50',
      value: quantile(writeMs, 0.5),
      unit: 'ms',
      note: `p99 ${quantile(writeMs, 0.99).toFixed(0)} ms: asked → answered by the API server`,
    },
  ];
  return measures.map((measure) => ({ ...measure, name: `${phase.name}: ${measure.name}` }));
}

/** Resolves when functions were told what the API server has of every Pod that is selected. */
export async function allTold(stage: Stage, recorder: Recorder): Promise<void> {
  const query = { labelSelector };
  const { items } = bodyOf(
    await stage.client.request<{ readonly items: readonly KubeObject[] }>({ path: podsPath, query }),
  );
  const finals = items.map(({ metadata: { name, resourceVersion } }) => {
    return [name, { event: 'modified', version: Number(resourceVersion) }] as const;
  });
  const missing = await waitUntilTold(recorder, new Map(finals));
  if (missing.length > 0) throw new Error(`${missing.length} states were not told`);
}

/** The names of those that were not told in time. */
async function waitUntilTold(recorder: Recorder, finals: ReadonlyMap<string, Final>): Promise<readonly string[]> {
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
  return missing();
}

interface Final {
  readonly event: string;
  readonly version: number;
}

/** What became of pods, by the API server. */
async function readFinals({ client }: Stage, touched: readonly string[]): Promise<ReadonlyMap<string, Final>> {
  const { items } = bodyOf(await client.request<{ readonly items: readonly KubeObject[] }>({ path: podsPath }));
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
function latencies({ writes }: LoadReport, { told }: Recorder, goalMs: number | undefined): readonly Measure[] {
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
      ...(goalMs === undefined ? {} : { goal: { compare: '<=', value: goalMs } as const }),
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

/** Seconds that the processors of the machine were busy so far (proc(5): all fields but idle and waiting for disks). */
function machineSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const [user, nice, system, , , interrupts, soft] = line.split(/ +/).slice(1).map(Number);
  return [user, nice, system, interrupts, soft].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) / 100;
}
