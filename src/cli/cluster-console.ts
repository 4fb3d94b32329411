/** The console of a cluster: a page on this machine that does what the user of the kubeconfig may do, and nothing else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtPage } from '../console/build-page.ts';
import { openConsole } from '../console/console-http.ts';
import type { Change, ConsoleSource, Draft, FunctionRow, PastEventAnswer, Remark } from '../console/console-source.ts';
import { checkFolder } from '../local/check-folder.ts';
import { createLoadServer, type LoadServer } from '../local/load-server.ts';
import { resourcePath } from '../controller/kube-answer.ts';
import { localPolicy } from '../policy/installation-policy.ts';
import type { PastEvents } from '../runtime/live/past-events.ts';
import { cacheFolder } from '../settings/cache-folder.ts';
import type { ClusterDesk } from './ask-cluster.ts';
import { readFunctionText, saveFunctionText } from './cluster-functions.ts';
import { clusterWatch } from './cluster-watch.ts';
import { createInCluster } from './create-in-cluster.ts';
import { findResource, secretsOf, TryRefused } from './isolate-draft.ts';
import type { LocalConsole } from './local-console.ts';
import { version } from './package-version.ts';
import type { RunClient } from './run-client.ts';
import { startingPoints } from './starting-points.ts';
import { tryDraft } from './try-draft.ts';
import { openTryRuns } from './try-run.ts';
import { samplesOf } from './try-samples.ts';

/** A list of functions serves every question of so long. */
const freshMs = 1_000;
/** How often the functions are looked at while a page is open. */
const lookMs = 3_000;
/** How long a new function may take to be known. */
const listedMs = 5_000;
const mostNamespaces = 500;
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
  const runs = openTryRuns();
  const functions = rememberFunctions(client, scope, now);
  const source: ConsoleSource = {
    status: () => ({ version, mode: 'cluster', place: `${client.label}${scope === undefined ? '' : ` · ${scope}`}` }),
    functions,
    text: (namespace, name) => readFunctionText(desk, namespace, name),
    check: (namespace, name, draft) => judge.check(namespace, name, draft),
    save: (namespace, name, draft, basedOn, takeOver) =>
      saveFunctionText(desk, namespace, name, { draft, basedOn, takeOver }),
    samples: async (namespace, name, draft) => {
      runs.expect();
      return samplesOf(findResource(draft, namespace, name).resource, namespace, now());
    },
    pastEvents: (namespace, name, catching) => readPastEvents(desk, namespace, name, catching),
    try: async (namespace, name, draft, order) => {
      try {
        return { kind: 'ran', report: await tryDraft(namespace, name, draft, order, runs.take) };
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
      startingPoints,
      namespaces: async () => ({
        usual: scope ?? client.namespace ?? 'default',
        names: scope === undefined ? await namespacesOf(desk, functions) : [],
      }),
      create: async (order) => {
        const namespace = scope ?? order.namespace ?? client.namespace ?? 'default';
        const result = await createInCluster(desk, { ...order, namespace });
        if (result.kind === 'created') await isListed(client, namespace, result.name, now);
        return result;
      },
    },
    watching: clusterWatch(client, desk, scope),
    watch: (listener) => {
      const stops = [follow(client, scope, functions, listener), runs.enter()];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
  const page = (): Promise<string> => builtPage(cacheFolder);
  const listener = await openConsole({ host, port: options.port, token, page, source });
  const place = `http://${host}:${listener.port}`;
  return {
    place,
    url: `${place}/#token=${token}`,
    close: async () => {
      await listener.close();
      await runs.close();
      await judge.close();
    },
  };
}

/** All that the user may list, else those that functions are in. */
async function namespacesOf(
  desk: ClusterDesk,
  functions: () => Promise<readonly FunctionRow[]>,
): Promise<readonly string[]> {
  const answer = await desk.ask({ path: '/api/v1/namespaces', query: { limit: mostNamespaces } });
  const all = answer.ok ? (answer.value['items'] as readonly { readonly metadata: { readonly name: string } }[]) : [];
  const known = answer.ok ? all.map(({ metadata }) => metadata.name) : (await functions()).map((row) => row.namespace);
  return [...new Set(known)].toSorted();
}

/** For whoever may see what senders sent. */
async function readPastEvents(
  desk: ClusterDesk,
  namespace: string,
  name: string,
  catching: boolean | undefined,
): Promise<PastEventAnswer> {
  const place = { apiVersion: 'run.moonhook.dev/v1alpha1', resource: 'functions', namespace, name };
  const path = resourcePath({ ...place, subresource: 'records' });
  const answer = await desk.ask({ path, query: { events: 'true', catching } });
  if (!answer.ok) return { kind: 'refused', message: answer.message };
  const { events, binary, catching: caught } = answer.value as unknown as PastEvents;
  return { kind: 'events', events, binary, catching: caught };
}

/** The controller sees it a moment later; a page that asks before would be told that there is none. */
async function isListed(client: RunClient, namespace: string, name: string, now: () => number): Promise<void> {
  for (const end = now() + listedMs; now() < end;) {
    if ((await client.describe('function', namespace, name)).ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
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
      return answer.value;
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
        const named = secretsOf(findResource(draft, namespace, name).resource, {});
        secrets = new Map(named.map(({ name: secret, key, value }) => [`${secret}.${key}`, value]));
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
