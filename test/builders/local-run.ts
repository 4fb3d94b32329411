/** A local run over a temporary folder, in this process, on ports of its own; what it prints can be waited for. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { runLocal, type LocalRun } from '../../src/local/run-local.ts';
import { systemTimers } from '../../src/local/system-timers.ts';
import { readDevSettings, type DevOptions } from '../../src/settings/dev-settings.ts';
import type { Logger } from '../../src/telemetry/logger.ts';

export interface LocalFixture {
  /** The folder of resources. */
  readonly folder: string;
  readonly run: LocalRun;
  /** Every line printed so far. */
  readonly lines: readonly string[];
  /** Every line of the process log so far, with its fields. */
  readonly logged: readonly string[];
  write(name: string, text: string): void;
  /** Resolves with the first line, from `after` on, that matches. */
  line(pattern: RegExp, after?: number): Promise<string>;
  /** A request to the listener of triggers. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  readonly token: string;
}

export interface LocalFixtureOptions {
  /** Files by name, written before the start. */
  readonly files: Readonly<Record<string, string>>;
  readonly options?: DevOptions;
  /** Serve this folder instead of a temporary one. */
  readonly folder?: string;
}

/** Starts, and stops with the test. */
export async function startLocal(context: TestContext, given: LocalFixtureOptions): Promise<LocalFixture> {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-local-'));
  const folder = given.folder ?? join(base, 'hooks');
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(given.files)) write(name, text);
  const read = readDevSettings({
    folder,
    port: '0',
    callPort: '0',
    adminPort: '0',
    dataDir: join(base, 'data'),
    ...given.options,
  });
  assert.ok(read.ok, read.ok ? '' : read.mistakes.join('\n'));
  const lines: string[] = [];
  const logged: string[] = [];
  const waiting = new Set<() => void>();
  const record =
    (level: string): Logger['info'] =>
    (message, fields = {}) => {
      logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
      for (const wake of waiting) wake();
    };
  const result = await runLocal({
    settings: read.settings,
    version: 'test',
    log: { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') },
    print: (line) => {
      lines.push(line);
      for (const wake of waiting) wake();
    },
    timers: systemTimers,
    now: () => Date.now(),
    randomBytes: (count) => randomBytes(count),
    onLost: (message) => {
      throw new Error(message);
    },
  });
  assert.ok(result.ok, result.ok ? '' : result.lines.join('\n'));
  const { run } = result;
  context.after(async () => {
    await run.stop();
    rmSync(base, { recursive: true, force: true });
  });
  return {
    folder,
    run,
    lines,
    logged,
    write,
    line: async (pattern, after = 0) => {
      for (;;) {
        const found = lines.slice(after).find((line) => pattern.test(line));
        if (found !== undefined) return found;
        const woken = Promise.withResolvers<void>();
        const late = setTimeout(() => {
          woken.reject(new Error(`no line ${String(pattern)} within a minute:\n${lines.slice(after).join('\n')}`));
        }, 60_000);
        waiting.add(woken.resolve);
        await woken.promise.finally(() => {
          clearTimeout(late);
          waiting.delete(woken.resolve);
        });
      }
    },
    fetch: (path, init) => fetch(`${run.addresses.public}${path}`, init),
    token: run.token,
  };
}
