/**
 * A run of its own for each try: an empty folder, an empty store, nothing live. One is kept ready while somebody writes, so
 * that a try need not wait for threads to start.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runLocal, type LocalRun } from '../local/run-local.ts';
import { systemTimers } from '../local/system-timers.ts';
import { readDevSettings } from '../settings/dev-settings.ts';
import { TryRefused } from './isolate-draft.ts';
import { version } from './package-version.ts';
import { warmUp } from './serve-documents.ts';

export interface TryRun {
  readonly folder: string;
  /** Where its workers ask for what stands in for the network and the cluster. */
  readonly channel: string;
  readonly run: LocalRun;
  /** Nothing of it is left. */
  end(): Promise<void>;
}

/** `live`: outgoing requests are real; else they are asked for over the channel. */
export type TryNetwork = 'live' | 'table';
export type StartTryRun = (network: TryNetwork) => Promise<TryRun>;

const quietLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export const startTryRun: StartTryRun = async (network) => {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-try-'));
  const channel = `try ${randomUUID()}`;
  try {
    const run = await start(folder, { channel, requests: network === 'table' });
    return {
      folder,
      channel,
      run,
      end: async () => {
        await run.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
};

async function start(
  folder: string,
  standIn: { readonly channel: string; readonly requests: boolean },
): Promise<LocalRun> {
  const options = { folder, port: '0', callPort: '0', adminPort: '0', workers: '1', dataDir: join(folder, '.data') };
  // Nothing of the environment: a store that it names is the live one.
  const read = readDevSettings(options, {});
  if (!read.ok) throw new Error(read.mistakes.join('; '));
  const { runtime } = read.settings;
  const result = await runLocal({
    settings: { ...read.settings, runtime: { ...runtime, standIn, watchdog: { ...runtime.watchdog, standby: false } } },
    version,
    log: quietLog,
    print: () => {},
    timers: systemTimers,
    now: () => Date.now(),
    randomBytes: (count) => randomBytes(count),
    onLost: () => {},
  });
  if (!result.ok) throw new TryRefused(result.lines.join('; '));
  return result.run;
}

export interface TryRuns {
  readonly take: StartTryRun;
  /** Somebody writes: a run will be asked for soon. */
  expect(): void;
  /** A page is open until the answer is called. */
  enter(): () => void;
  close(): Promise<void>;
}

/** Without a sign of anybody for so long, and for so long after the last page was closed, none is kept ready. */
const idleMs = 5 * 60_000;
const leftMs = 10_000;

export function createTryRuns(options: {
  /** Calls back once; answers what stops it. */
  after(milliseconds: number, callback: () => void): () => void;
  readonly start: StartTryRun;
  /** Of one that is made ahead. */
  warmUp(run: TryRun): Promise<void>;
}): TryRuns {
  let spare: { readonly network: TryNetwork; readonly run: Promise<TryRun> } | undefined;
  let wanted: TryNetwork = 'table';
  let stopWaiting: (() => void) | undefined;
  let pages = 0;
  let closed = false;
  const ending = new Set<Promise<void>>();

  const later = (task: Promise<void>): void => {
    const done = task.catch(() => undefined);
    ending.add(done);
    void done.finally(() => ending.delete(done));
  };
  const drop = (): void => {
    const dropped = spare;
    spare = undefined;
    if (dropped === undefined) return;
    // One that could not start was told of when it was asked for.
    later(dropped.run.then((run) => run.end()));
  };
  const waitFor = (milliseconds: number): void => {
    stopWaiting?.();
    stopWaiting = options.after(milliseconds, drop);
  };
  const expect = (): void => {
    if (closed) return;
    waitFor(idleMs);
    if (spare?.network === wanted) return;
    drop();
    const run = options.start(wanted).then(async (started) => {
      await options.warmUp(started);
      return started;
    });
    run.catch(() => undefined);
    spare = { network: wanted, run };
  };
  return {
    expect,
    async take(network) {
      wanted = network;
      const ready = spare?.network === network ? spare.run : undefined;
      if (ready !== undefined) spare = undefined;
      // One that could not be made ready ahead is tried once more, now that somebody is told.
      const run = await (ready?.catch(() => options.start(network)) ?? options.start(network));
      return {
        ...run,
        // Nobody who waits for the answer waits for this.
        end: async () => later(run.end().then(expect)),
      };
    },
    enter() {
      pages += 1;
      let inside = true;
      return () => {
        if (inside) pages -= 1;
        inside = false;
        if (pages === 0) waitFor(leftMs);
      };
    },
    async close() {
      closed = true;
      stopWaiting?.();
      drop();
      await Promise.all(ending);
    },
  };
}

/** As the console has them. */
export function openTryRuns(): TryRuns {
  return createTryRuns({ after: once, start: startTryRun, warmUp: ({ run }) => warmUp(run) });
}

/** Calls back once, unless it is stopped; keeps no process alive. */
function once(milliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, milliseconds);
  timer.unref();
  return () => clearTimeout(timer);
}
