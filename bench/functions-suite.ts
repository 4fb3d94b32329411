/** Many functions in one runtime: start, memory, uniform traffic; and edits: how soon they serve, and that none fails a request. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Measure, quantile, type Suite, type Unmeasured } from './measure.ts';
import { busiest, threadTimes } from './thread-time.ts';

const functions = 10_000;
const perFile = 100;
/** Phases of traffic to one function and to all, in turns. */
const pairs = 12;
const seconds = 1;
const edits = 60;
const editsPerSecond = 50;
/** After so long without work threads have given back what they do not need: soon after their start, later than that after traffic. */
const restMs = { start: 6000, traffic: 36_000 } as const;

const code = (index: number, answer: string): string => `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: f${index} }
spec:
  code: |
    return function(event)
      return { status = 200, body = "${answer}" }
    end
  triggers: [{ name: http, http: { path: f${index}, receiver: { open: {} } } }]
`;

interface Dev {
  readonly child: ChildProcess;
  readonly url: string;
  readonly startedMs: number;
}

/** The program as a user starts it, on free ports. */
async function startDev(folder: string): Promise<Dev> {
  const began = performance.now();
  const program = join(import.meta.dirname, '..', 'bin', 'moonhook');
  const ports = ['--port', '0', '--call-port', '0', '--admin-port', '0', '--workers', '1'];
  const child = spawn(program, ['dev', folder, ...ports], { stdio: ['ignore', 'pipe', 'inherit'] });
  return await new Promise((resolve, reject) => {
    let text = '';
    // What it says is read to the end: a full pipe would hold it up.
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString('latin1');
      const url = /triggers\s+(http:\/\/[\d.:]+)/.exec(text)?.[1];
      if (url !== undefined) resolve({ child, url, startedMs: performance.now() - began });
    });
    child.once('exit', (code) => reject(new Error(`the program ended with code ${code} before it served`)));
  });
}

async function stop({ child }: Dev): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function residentMegabytes(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

interface Loaded {
  readonly requests: number;
  readonly perSecond: number;
  readonly failed: number;
}

async function load(url: string, paths: number, forSeconds = seconds): Promise<Loaded> {
  const child = fork(join(import.meta.dirname, 'functions-load.ts'), [
    JSON.stringify({ url, paths, seconds: forSeconds }),
  ]);
  const [result] = (await once(child, 'message')) as [Loaded];
  return result;
}

interface Phase extends Loaded {
  /** Microseconds of the worker a request. */
  readonly cpu: number | undefined;
}

async function phase({ child, url }: Dev, paths: number): Promise<Phase> {
  const before = await threadTimes(child.pid);
  const result = await load(url, paths);
  const used = busiest(before, await threadTimes(child.pid));
  return { ...result, cpu: used === undefined ? undefined : used / 1000 / result.requests };
}

/** Of pairs: one of traffic to one function, one of traffic to all. */
function compare(one: readonly Phase[], all: readonly Phase[]): readonly (Measure | Unmeasured)[] {
  const failed = [...one, ...all].reduce((sum, each) => sum + each.failed, 0);
  const rate = (phases: readonly Phase[]): number =>
    quantile(
      phases.map(({ perSecond }) => perSecond),
      0.5,
    );
  const cpu = (phases: readonly Phase[]): number[] => phases.flatMap((each) => each.cpu ?? []);
  const [single, uniform] = [cpu(one), cpu(all)];
  const name = 'the same by processor time of the worker';
  const goal = { compare: '>=', value: 0.9 } as const;
  const micros = (samples: readonly number[]): string => quantile(samples, 0.5).toFixed(1);
  return [
    {
      name: 'uniform traffic over all functions against one',
      value: rate(all) / rate(one),
      unit: '×',
      goal,
      note: `medians of ${pairs} phases of ${seconds} s each, in turns; ${failed} requests failed`,
    },
    single.length < one.length || uniform.length < all.length
      ? { name, reason: 'no /proc on this platform' }
      : {
          name,
          value: quantile(
            single.map((time, index) => time / (uniform[index] ?? Number.NaN)),
            0.5,
          ),
          unit: '×',
          goal,
          note: `median of the pairs; a request to one ${micros(single)} µs, to each in turn ${micros(uniform)} µs`,
        },
  ];
}

async function inFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-bench-'));
  try {
    // The data directory is beside the functions.
    const functionFolder = join(folder, 'functions');
    await mkdir(functionFolder);
    return await work(functionFolder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function manyFunctions(progress: (line: string) => void): Promise<(Measure | Unmeasured)[]> {
  return await inFolder(async (folder) => {
    for (let first = 0; first < functions; first += perFile) {
      const documents = Array.from({ length: perFile }, (_, index) => code(first + index, 'ok'));
      await writeFile(join(folder, `functions-${first}.yaml`), documents.join('---\n'));
    }
    const first = await startDev(folder);
    await stop(first);
    const dev = await startDev(folder);
    progress(`${functions} functions serve after ${Math.round(dev.startedMs)} ms`);
    const atStart = await residentMegabytes(dev.child.pid);
    await rest(restMs.start);
    const resident = await residentMegabytes(dev.child.pid);
    const one: Phase[] = [];
    const all: Phase[] = [];
    for (const paths of [functions, 1]) await load(dev.url, paths, 2);
    for (let pair = 0; pair < pairs; pair++) {
      const single = await phase(dev, 1);
      const uniform = await phase(dev, functions);
      one.push(single);
      all.push(uniform);
      progress(`one function ${Math.round(single.perSecond)}/s, all of them ${Math.round(uniform.perSecond)}/s`);
    }
    const underLoad = await residentMegabytes(dev.child.pid);
    progress('resting');
    await rest(restMs.traffic);
    const after = await residentMegabytes(dev.child.pid);
    await stop(dev);
    const memory = (
      name: string,
      value: number | undefined,
      rested: number,
      before: number | undefined,
    ): Measure | Unmeasured =>
      value === undefined
        ? { name, reason: 'no /proc on this platform' }
        : {
            name,
            value,
            unit: 'MB',
            goal: { compare: '<=', value: 300 },
            note: `${rested / 1000} s earlier, before the rest: ${Math.round(before ?? 0)} MB`,
          };
    return [
      {
        name: `start with ${functions} functions in ${functions / perFile} files`,
        value: dev.startedMs / 1000,
        unit: 's',
        goal: { compare: '<=', value: 3 },
        note: `the start before, which fills the caches if nothing else did: ${(first.startedMs / 1000).toFixed(1)} s`,
      },
      memory(`resident with ${functions} functions, idle`, resident, restMs.start, atStart),
      memory(`resident with ${functions} functions, idle after traffic to all`, after, restMs.traffic, underLoad),
      ...compare(one, all),
    ];
  });
}

const rest = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function editLatency(): Promise<Measure[]> {
  return await inFolder(async (folder) => {
    const file = join(folder, 'f0.yaml');
    await writeFile(file, code(0, 'v0'));
    const dev = await startDev(folder);
    const url = `${dev.url}/default/f0`;
    const samples: number[] = [];
    for (let edit = 1; edit <= edits; edit++) {
      const version = `v${edit}`;
      await writeFile(file, code(0, version));
      const written = performance.now();
      // Ask until the new code answers: a request costs well under a millisecond.
      while ((await (await fetch(url)).text()) !== version) {
        if (performance.now() - written > 5000) throw new Error(`edit ${edit} is not live after 5 s`);
      }
      samples.push(performance.now() - written);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    await stop(dev);
    return [
      {
        name: 'edit of a file until the next request runs it, median',
        value: quantile(samples, 0.5),
        unit: 'ms',
        goal: { compare: '<=', value: 15 },
        note: `p90 ${quantile(samples, 0.9).toFixed(1)} ms, ${edits} edits`,
      },
    ];
  });
}

async function editsUnderLoad(progress: (line: string) => void): Promise<Measure[]> {
  return await inFolder(async (folder) => {
    const count = 20;
    for (let index = 0; index < count; index++) await writeFile(join(folder, `f${index}.yaml`), code(index, 'v0'));
    const dev = await startDev(folder);
    const loadSeconds = 5;
    const loading = load(dev.url, count, loadSeconds);
    let made = 0;
    while (made < editsPerSecond * loadSeconds) {
      await writeFile(join(folder, `f${made % count}.yaml`), code(made % count, `v${made}`));
      made++;
      await new Promise((resolve) => setTimeout(resolve, 1000 / editsPerSecond));
    }
    const result = await loading;
    progress(`${made} edits, ${Math.round(result.perSecond)} requests/s, ${result.failed} failed`);
    await stop(dev);
    return [
      {
        name: 'requests failed during edits under load',
        value: result.failed,
        unit: '',
        goal: { compare: '<=', value: 0 },
        note: `${made} edits in 5 s, ${Math.round(result.perSecond * 5)} requests`,
      },
    ];
  });
}

export const suite: Suite = {
  name: 'Many functions, and edits',
  async run(progress) {
    return [...(await manyFunctions(progress)), ...(await editLatency()), ...(await editsUnderLoad(progress))];
  },
};
