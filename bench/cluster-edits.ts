/**
 * One edit after the other among many functions, with the time of each stage on its way, taken from outside: a watch beside
 * the controller's, a link beside those of the runtimes, and the first answer of each runtime.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../src/controller/kube-client.ts';
import type { KubeObject } from '../src/controller/kube-object.ts';
import { eventually } from '../test/builders/eventually.ts';
import { apply, functionPath, openTrigger, webhookFunction } from '../test/kube/run-controller.ts';
import { bodyOf } from '../test/kube/with-control-plane.ts';
import { createLinkClient } from '../src/runtime/link/link-client.ts';
import { emptyTable } from '../src/routing/diff-tables.ts';
import type { ServesTable } from '../src/runtime/link/follow-table.ts';
import { keptLog, realClock } from '../test/link/cluster.ts';
import { linkedPod, linkName, type Stage } from '../test/kube/cluster-programs.ts';
import { quantile, type Measure } from './measure.ts';

/** In each round: the 99th percentile of a hundred or fewer is the single worst. */
const editsOfRound = 120;
/** The medians of rounds are told: whoever else uses the machine disturbs one of them, not two. */
const rounds = 3;
/** Between two edits: the status of the one is written before the next begins. */
const restMs = 80;
/** The programs have rested when all together used less than this share of a processor for so long. */
const restShare = 0.2;
const lookAtRestMs = 2_000;
const longestRestMs = 15_000;
/** Between two looks at a runtime: who measures must not take the processors from what is measured. */
const lookMs = 1;
const functions = '/apis/moonhook.dev/v1alpha1/webhookfunctions';

/** The function that `create` makes and edits change. */
export const hook = (index: number, answer: string): Readonly<Record<string, unknown>> =>
  webhookFunction(`hook-${index}`, {
    code: `return function(event)\n  return ${JSON.stringify(answer)}\nend`,
    triggers: [openTrigger(`hook-${index}`)],
  });

/** When each stage was reached, milliseconds after the response to the write. */
interface Times {
  readonly watched: number;
  readonly linked: number;
  readonly firstAnswer: number;
  readonly lastAnswer: number;
  readonly buildMs: number;
}

type Processes = Readonly<Record<string, readonly number[]>>;

/** `goal`: of how long it takes until all answer, the median and the 99th percentile. */
export async function measureEdits(
  stage: Stage,
  size: number,
  goal: { readonly p50: number; readonly p99: number } | undefined,
): Promise<readonly Measure[]> {
  const { client, controller, runtimes } = stage;
  const marks = new Marks();
  const stopWatching = await watchBeside(client, marks);
  const stopLink = await linkBeside(stage, marks, `listener-${size}`);
  const processes = {
    'API server': [stage.plane.apiServer.pid()],
    etcd: [stage.plane.etcd.pid()],
    controller: [controller.pid],
    runtimes: runtimes.map(({ pid }) => pid),
  };
  const measured: (readonly Times[])[] = [];
  let spent: readonly string[];
  try {
    // What a mass creation and the link beside left behind (collections, statuses) is no part of an edit.
    await untilRested(Object.values(processes).flat());
    const before = processorTimes(processes);
    for (let round = 0; round < rounds; round += 1) measured.push(await measureRound(stage, size, round, marks));
    const after = processorTimes(processes);
    spent = Object.keys(processes).map(
      (name, at) => `${name} ${(((after[at] ?? 0) - (before[at] ?? 0)) / (rounds * editsOfRound)).toFixed(1)}`,
    );
  } finally {
    stopWatching();
    await stopLink();
  }
  const name = `${size} functions: write → answered by 3 runtimes`;
  const all = measured.flat();
  const ofAll = (of: keyof Times, fraction: number): number =>
    quantile(
      all.map((times) => times[of]),
      fraction,
    );
  return [
    { name: `${name}, p50`, unit: 'ms', ...overRounds(measured, 0.5), ...goalOf(goal?.p50) },
    { name: `${name}, p99`, unit: 'ms', ...overRounds(measured, 0.99), ...goalOf(goal?.p99) },
    ...(['watched', 'linked', 'firstAnswer', 'lastAnswer'] as const).map((each) => ({
      name: `  ${stageNames[each]}, p50`,
      value: ofAll(each, 0.5),
      unit: 'ms',
      note: `p99 ${ofAll(each, 0.99).toFixed(1)} ms, slowest ${ofAll(each, 1).toFixed(1)} ms`,
    })),
    {
      name: `${size} functions: rebuild after one edit, p50`,
      value: ofAll('buildMs', 0.5),
      unit: 'ms',
      goal: { compare: '<=', value: 5 },
      note: `p99 ${ofAll('buildMs', 0.99).toFixed(2)} ms; processor time of an edit, ms: ${spent.join(', ')}`,
    },
  ];
}

async function measureRound(stage: Stage, size: number, round: number, marks: Marks): Promise<readonly Times[]> {
  const waits: Times[] = [];
  for (let count = 0; count < editsOfRound; count += 1) {
    const index = ((round * editsOfRound + count) * 97) % size;
    waits.push(await editOne(stage, index, `edit ${size} ${round} ${count}`, marks));
    await sleep(restMs);
  }
  return waits;
}

/** The median of what the rounds gave, and each of them. */
function overRounds(
  measured: readonly (readonly Times[])[],
  fraction: number,
): { readonly value: number; readonly note: string } {
  const each = measured.map((waits) =>
    quantile(
      waits.map(({ lastAnswer }) => lastAnswer),
      fraction,
    ),
  );
  const told = each.map((value) => value.toFixed(1)).join(', ');
  const note = `${rounds} rounds of ${editsOfRound} edits, each alone, from the response of the write: ${told}`;
  return { value: quantile(each, 0.5), note };
}

async function untilRested(pids: readonly number[]): Promise<void> {
  const used = (): number => pids.reduce((sum, pid) => sum + processorMs(pid), 0);
  const deadline = performance.now() + longestRestMs;
  for (let before = used(); performance.now() < deadline;) {
    await sleep(lookAtRestMs);
    const now = used();
    if (now - before < restShare * lookAtRestMs) return;
    before = now;
  }
}

function processorTimes(processes: Processes): readonly number[] {
  return Object.values(processes).map((pids) => pids.reduce((sum, pid) => sum + processorMs(pid), 0));
}

const stageNames: Readonly<Record<Exclude<keyof Times, 'buildMs'>, string>> = {
  watched: 'its line on a watch beside the controller’s',
  linked: 'its entry read from a link beside the runtimes’',
  firstAnswer: 'the first runtime answers',
  lastAnswer: 'the last runtime answers',
};

function goalOf(value: number | undefined): Pick<Measure, 'goal'> {
  return value === undefined ? {} : { goal: { compare: '<=', value } };
}

async function editOne(stage: Stage, index: number, answer: string, marks: Marks): Promise<Times> {
  const { client, controller, runtimes } = stage;
  const { generation = 0 } = bodyOf(
    await client.request<KubeObject>({ path: functionPath('team-a', `hook-${index}`) }),
  ).metadata;
  const mark = `hook-${index} ${generation + 1}`;
  await apply(client, functionPath('team-a', `hook-${index}`), hook(index, answer));
  const began = performance.now();
  const answered = await Promise.all(
    runtimes.map(async ({ publicUrl }) => {
      while ((await (await fetch(`${publicUrl}/team-a/hook-${index}`)).text()) !== answer) await sleep(lookMs);
      return performance.now() - began;
    }),
  );
  await eventually('the edit was seen on its way', () => marks.watched.has(mark) && marks.linked.has(mark));
  return {
    watched: (marks.watched.get(mark) ?? 0) - began,
    linked: (marks.linked.get(mark) ?? 0) - began,
    firstAnswer: Math.min(...answered),
    lastAnswer: Math.max(...answered),
    buildMs: (await controller.metric('controller_last_build_seconds')) * 1000,
  };
}

/** By name and generation: when it was first seen. */
class Marks {
  readonly watched = new Map<string, number>();
  readonly linked = new Map<string, number>();
}

async function watchBeside(client: KubeClient, { watched }: Marks): Promise<() => void> {
  const { metadata } = bodyOf(
    await client.request<{ readonly metadata: { readonly resourceVersion: string } }>({
      path: functions,
      query: { limit: 1 },
    }),
  );
  const query = { watch: true, resourceVersion: metadata.resourceVersion };
  const opened = await client.stream({ path: functions, query });
  if (!opened.ok) throw new Error(opened.message);
  const { body } = opened;
  const read = async (): Promise<void> => {
    for await (const line of body.lines) {
      const at = performance.now();
      const { object } = JSON.parse(line) as { readonly object: KubeObject };
      const mark = `${object.metadata.name} ${object.metadata.generation}`;
      if (!watched.has(mark)) watched.set(mark, at);
    }
  };
  // It ends with an error when it is closed.
  void read().catch(() => undefined);
  return () => body.close();
}

/** One more pod with a link, which takes no traffic, compiles nothing and keeps nothing: who measures collects no garbage. */
async function linkBeside(stage: Stage, { linked }: Marks, name: string): Promise<() => Promise<void>> {
  const { pod, token, authority } = await linkedPod(stage, name);
  const server: ServesTable = {
    table: emptyTable,
    async applyChanges(changes) {
      const at = performance.now();
      for (const change of changes) {
        if (change.op === 'set') linked.set(`${change.entry.name} ${change.entry.generation}`, at);
      }
      return changes.flatMap((change) =>
        change.op === 'set' ? [{ uid: change.entry.uid, revision: change.entry.revision, accepted: true }] : [],
      );
    },
    setPolicy: () => Promise.resolve(),
  };
  const link = createLinkClient({
    controllers: [{ host: '127.0.0.1', port: stage.controller.link }],
    serverName: linkName,
    runtime: name,
    podName: name,
    podUid: pod.metadata.uid,
    group: 'default',
    server,
    lookup: async (host) => [{ address: host, family: 4 }],
    credentials: async () => ({ token, authorities: authority }),
    answer: async (topic) => ({ ok: false, code: 'Unsupported', message: topic }),
    clock: realClock,
    random: Math.random,
    log: keptLog(),
  });
  await eventually('the link beside has the table', () => link.notReady() === undefined);
  return () => link.close();
}

/** Processor time of a process so far. */
function processorMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // Ticks of ten milliseconds, everywhere Linux runs Node.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
