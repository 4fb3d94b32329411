/** The console of a cluster: a page on this machine that does what the user of the kubeconfig may do, and nothing else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtPage } from '../console/build-page.ts';
import { openConsole } from '../console/console-http.ts';
import type { Change, ConsoleSource, Draft, FunctionRow, Remark } from '../console/console-source.ts';
import { checkFolder } from '../local/check-folder.ts';
import { createLoadServer, type LoadServer } from '../local/load-server.ts';
import { localPolicy } from '../policy/installation-policy.ts';
import { cacheFolder } from '../settings/cache-folder.ts';
import type { ClusterDesk } from './ask-cluster.ts';
import { readFunctionText, saveFunctionText } from './cluster-functions.ts';
import { clusterWatch } from './cluster-watch.ts';
import { findResource, TryRefused, valuesOfSecrets } from './isolate-draft.ts';
import type { LocalConsole } from './local-console.ts';
import { version } from './package-version.ts';
import type { RunClient } from './run-client.ts';
import { tryDraft } from './try-draft.ts';
import { samplesOf } from './try-samples.ts';

/** A list of functions serves every question of so long. */
const freshMs = 1_000;
/** How often the functions are looked at while a page is open. */
const lookMs = 3_000;
/** After a watch of calls that ended. */
const againMs = 2_000;

export interface ClusterConsoleOptions {
  readonly client: RunClient;
  readonly desk: ClusterDesk;
  /** The namespace that is shown; undefined: all, for whoever may list them. */
  readonly scope: string | undefined;
  readonly port: number;
  /** Of this process: opens the page. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  now(): number;
  onDefect(message: string): void;
}

export async function openClusterConsole(options: ClusterConsoleOptions): Promise<LocalConsole> {
  const { client, desk, scope, token, now } = options;
  const host = '127.0.0.1';
  const judge = createJudge(options.onDefect, now);
  const functions = rememberFunctions(client, scope, now);
  const source: ConsoleSource = {
    status: () => ({ version, mode: 'cluster', place: `${client.label}${scope === undefined ? '' : ` · ${scope}`}` }),
    functions,
    text: (namespace, name) => readFunctionText(desk, namespace, name),
    check: (namespace, name, draft) => judge.check(namespace, name, draft),
    save: (namespace, name, draft, basedOn) => saveFunctionText(desk, namespace, name, draft, basedOn),
    samples: async (namespace, name, draft) =>
      samplesOf(findResource(draft, namespace, name).resource, namespace, now()),
    try: async (namespace, name, draft, order) => {
      try {
        return { kind: 'ran', report: await tryDraft(namespace, name, draft, order) };
      } catch (error) {
        if (error instanceof TryRefused) return { kind: 'refused', message: error.message };
        throw error;
      }
    },
    calls: async (namespace, name) => {
      const answer = await client.listCalls({ namespace, name, limit: '100' });
      return answer.ok ? answer.value : [];
    },
    editing: {
      startingPoints: () => [],
      create: async () => ({
        kind: 'refused',
        message: 'start a function of a cluster with `moonhook new NAME` and `kubectl apply`',
      }),
    },
    watching: clusterWatch(client, desk, scope),
    watch: (listener) => follow(client, scope, functions, listener),
  };
  const page = (): Promise<string> => builtPage(cacheFolder);
  const listener = await openConsole({ host, port: options.port, token, page, source });
  const place = `http://${host}:${listener.port}`;
  return {
    place,
    url: `${place}/#token=${token}`,
    close: async () => {
      await listener.close();
      await judge.close();
    },
  };
}

/** Pages ask often and several at once: the API server is asked once. */
function rememberFunctions(
  client: RunClient,
  scope: string | undefined,
  now: () => number,
): () => Promise<readonly FunctionRow[]> {
  let held: { readonly at: number; readonly rows: Promise<readonly FunctionRow[]> } | undefined;
  return () => {
    if (held !== undefined && now() - held.at < freshMs) return held.rows;
    const rows = client.listFunctions(scope).then((answer) => {
      if (!answer.ok) throw new Error(answer.message);
      return answer.value as unknown as readonly FunctionRow[];
    });
    rows.catch(() => (held = undefined));
    held = { at: now(), rows };
    return rows;
  };
}

/** Calls as the API server tells of them, functions by looking now and then; a line that broke is taken up again. */
function follow(
  client: RunClient,
  scope: string | undefined,
  functions: () => Promise<readonly FunctionRow[]>,
  listener: (change: Change) => void,
): () => void {
  const leaving = new AbortController();
  const { signal } = leaving;
  let known = '';
  const look = setInterval(() => {
    functions().then(
      (rows) => {
        const seen = JSON.stringify(rows);
        if (seen !== known) listener('functions');
        known = seen;
      },
      // Whoever asks for the list is told why there is none.
      () => undefined,
    );
  }, lookMs);
  const listen = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const calls = await client.followCalls(scope === undefined ? {} : { namespace: scope }, signal);
        if (calls.ok) for await (const _call of calls.value) listener('calls');
      } catch {
        // The next turn reads again; what came meanwhile is in the lists.
      }
      if (!signal.aborted) await pause(againMs, signal);
      listener('calls');
    }
  };
  void listen();
  return () => {
    clearInterval(look);
    leaving.abort();
  };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

interface Judge {
  check(namespace: string, name: string, draft: Draft): Promise<readonly Remark[]>;
  close(): Promise<void>;
}

/** Judges drafts on this machine, with placeholders for secrets; what only the cluster knows, it says when it is saved. */
function createJudge(onDefect: (message: string) => void, now: () => number): Judge {
  const root = mkdtempSync(join(tmpdir(), 'moonhook-drafts-'));
  let server: Promise<LoadServer> | undefined;
  // One draft after the other: the engine's table holds one.
  let turn: Promise<unknown> = Promise.resolve();
  const file = 'resource.yaml';
  return {
    check: async (namespace, name, draft) => {
      let secrets: ReadonlyMap<string, string> = new Map();
      try {
        secrets = valuesOfSecrets(findResource(draft, namespace, name).resource, {});
      } catch (error) {
        // Text that cannot be read is told of below, with its place.
        if (!(error instanceof TryRefused)) throw error;
      }
      const judged = turn.then(async () => {
        server ??= createLoadServer(onDefect);
        const policy = localPolicy('http://127.0.0.1');
        const drafts = new Map([[file, draft.yaml]]);
        return checkFolder({ root, files: [file], secrets, policy, server: await server, now, drafts });
      });
      turn = judged.catch(() => undefined);
      return (await judged).diagnostics.map(({ severity, line, column, message, hint }) => ({
        severity,
        text: 'yaml',
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
        message: `${message}${hint === undefined ? '' : ` (${hint})`}`,
      }));
    },
    close: async () => {
      await turn;
      await (await server)?.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
