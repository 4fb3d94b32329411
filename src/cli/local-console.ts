/** The console of a local run: what stands in its files and what its runtime says, in the console's terms. */
import { openConsole, type ConsoleListener } from '../console/console-http.ts';
import type { ConsoleSource, FunctionText, Remark } from '../console/console-source.ts';
import { builtPage } from '../console/build-page.ts';
import type { Diagnostic } from '../local/diagnostic.ts';
import { findConfiguration } from '../local/find-configuration.ts';
import { checkDraft, readFunctionFiles, saveFunctionFiles, type FunctionFiles } from '../local/function-text.ts';
import { createLoadServer, type LoadServer } from '../local/load-server.ts';
import { listFunctions } from '../local/local-api.ts';
import { toPlainRecord } from '../runtime/live/plain-record.ts';
import { listPastEvents, type PastEvents } from '../runtime/live/past-events.ts';
import type { LocalRun } from '../local/run-local.ts';
import { cacheFolder } from '../settings/cache-folder.ts';
import { createFunction } from './create-function.ts';
import { findResource, TryRefused } from './isolate-draft.ts';
import { openLocalWatch } from './local-watch.ts';
import { version } from './package-version.ts';
import { startingPoints } from './starting-points.ts';
import { samplesOf } from './try-samples.ts';
import { openTryRuns } from './try-run.ts';
import { tryDraft } from './try-draft.ts';

export interface LocalConsole {
  /** Without the token: for anybody. */
  readonly place: string;
  /** With the token in the fragment: for the person at this machine, never for a log. */
  readonly url: string;
  close(): Promise<void>;
}

export async function openLocalConsole(
  run: LocalRun,
  options: { readonly port: number; onDefect(message: string): void },
): Promise<LocalConsole> {
  const { source, close } = sourceOf(run, options.onDefect);
  const host = '127.0.0.1';
  let listener: ConsoleListener;
  try {
    const page = (): Promise<string> => builtPage(cacheFolder);
    listener = await openConsole({ host, port: options.port, token: run.token, page, source });
  } catch (error) {
    await close();
    throw error;
  }
  const place = `http://${host}:${listener.port}`;
  return {
    place,
    url: `${place}/#token=${run.token}`,
    close: async () => {
      await listener.close();
      await close();
    },
  };
}

function sourceOf(
  run: LocalRun,
  onDefect: (message: string) => void,
): { readonly source: ConsoleSource; close(): Promise<void> } {
  const { view, policy } = run;
  // An engine of its own: what is only typed never meets the threads that serve. Made when it is first needed.
  let judging: Promise<LoadServer> | undefined;
  // Looked for anew when something in the folder changed.
  let configuration: Promise<readonly string[]> | undefined;
  const stopLooking = run.followStates(() => (configuration = undefined));
  // One draft after the other: the engine's table holds one.
  let turn: Promise<unknown> = Promise.resolve();
  const watching = openLocalWatch(run);
  const runs = openTryRuns();
  const source: ConsoleSource = {
    status: () => ({ version, mode: 'local', place: run.folder }),
    functions: async () => {
      const answer = listFunctions(view, undefined);
      if (answer.status !== 200) throw new Error(answer.message);
      return (answer.body as { readonly functions: Awaited<ReturnType<ConsoleSource['functions']>> }).functions;
    },
    text: async (namespace, name) => {
      const files = await readFunctionFiles(view, namespace, name);
      return files === undefined ? undefined : textOf(files);
    },
    check: async (namespace, name, draft) => {
      const files = await readFunctionFiles(view, namespace, name);
      if (files === undefined) return [];
      const judged = turn.then(async () => {
        judging ??= createLoadServer(onDefect);
        configuration ??= findConfiguration(view.folder);
        return checkDraft(view, { server: await judging, policy, beside: await configuration }, draft, files);
      });
      turn = judged.catch(() => undefined);
      return (await judged).map((diagnostic) => remarkOf(diagnostic, files));
    },
    save: async (namespace, name, draft, basedOn) => {
      const result = await saveFunctionFiles(view, namespace, name, draft, basedOn);
      if (result.kind === 'saved') return { kind: 'saved', text: textOf(result.files) };
      if (result.kind === 'conflict') return { kind: 'conflict', theirs: textOf(result.theirs) };
      return result;
    },
    samples: async (namespace, name, draft) => {
      runs.expect();
      try {
        return samplesOf(findResource(draft, namespace, name).resource, namespace, view.now());
      } catch (error) {
        // The text is no YAML now: the page keeps the samples it has.
        if (error instanceof TryRefused) return [];
        throw error;
      }
    },
    pastEvents: async (namespace, name, catching) => {
      const answer = await listPastEvents(view, namespace, name, catching);
      if (answer.status !== 200) return { kind: 'refused', message: answer.message };
      return { kind: 'events', ...(answer.body as PastEvents) };
    },
    try: async (namespace, name, draft, order) => {
      const files = await readFunctionFiles(view, namespace, name);
      const luaFile = files?.lua?.file;
      try {
        const given = { ...draft, ...(luaFile === undefined ? {} : { luaFile }) };
        return { kind: 'ran', report: await tryDraft(namespace, name, given, order, runs.take) };
      } catch (error) {
        if (error instanceof TryRefused) return { kind: 'refused', message: error.message };
        throw error;
      }
    },
    calls: async (namespace, name) => {
      const records = await view.findRecords({ namespace, functionName: name, limit: 100 });
      return records.map(toPlainRecord);
    },
    editing: {
      startingPoints,
      namespaces: async () => undefined,
      create: (order) => createFunction(view, order),
    },
    watching: watching.source,
    watch: (listener) => {
      const stops = [
        run.followStates(() => listener('functions')),
        view.followRecords({}, () => listener('calls')),
        watching.onMeasured(() => listener('measures')),
        runs.enter(),
      ];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
  return {
    source,
    close: async () => {
      stopLooking();
      await watching.close();
      await runs.close();
      await turn;
      await (await judging)?.close();
    },
  };
}

function textOf({ file, yaml, lua, version }: FunctionFiles): FunctionText {
  return {
    place: file,
    yaml,
    ...(lua === undefined ? {} : { lua: { place: lua.file, text: lua.text } }),
    version,
  };
}

function remarkOf({ severity, file, line, column, message, hint }: Diagnostic, files: FunctionFiles): Remark {
  const elsewhere = file !== files.file && file !== files.lua?.file;
  return {
    severity,
    text: file === files.lua?.file ? 'lua' : 'yaml',
    ...(line === undefined || elsewhere ? {} : { line }),
    ...(column === undefined || elsewhere ? {} : { column }),
    message: `${elsewhere ? `${file}: ` : ''}${message}${hint === undefined ? '' : ` (${hint})`}`,
  };
}
