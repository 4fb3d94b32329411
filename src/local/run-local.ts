/** A local run: a folder of files → route table → runtime in this process, kept up with every change of the folder. */
import { realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorMessage } from '../failures/error-message.ts';
import { createFunctionCheck } from '../function/check-function.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { receivers } from '../receivers/catalogue.ts';
import { createRuntime, type Runtime, type RuntimeAddresses } from '../runtime/runtime.ts';
import type { DevSettings } from '../settings/dev-settings.ts';
import type { Logger } from '../telemetry/logger.ts';
import { documentCheck } from './check-document.ts';
import { defaultDataDirectory, holdDataDirectory, type HeldDataDirectory } from './data-directory.ts';
import { formatDiagnostic, sortDiagnostics, type Diagnostic } from './diagnostic.ts';
import { createFolderSource } from './folder-source.ts';
import { registerLocalApi } from './local-api-http.ts';
import type { LocalView } from './local-api.ts';
import { createLocalInputs } from './local-inputs.ts';
import { openLocalView } from './local-view.ts';
import type { OpenCluster } from './open-cluster.ts';
import { openLocalStore } from './open-local-store.ts';
import { openReadingCache } from './reading-cache.ts';
import { readPolicyFile } from './read-policy-file.ts';
import { readSecretsFile, watchSecretsFile } from './read-secrets-file.ts';
import { reportChanges, type FunctionStates } from './report-functions.ts';
import { createTableBuilder } from './table-builder.ts';
import { watchFolder, type FolderWatch, type Timers } from './watch-folder.ts';
import { watchStoreFile } from './watch-store-file.ts';

export interface RunLocalOptions {
  readonly settings: DevSettings;
  readonly version: string;
  readonly log: Logger;
  /** One line for people: verdicts and mistakes. */
  print(line: string): void;
  readonly timers: Timers;
  /** Milliseconds since the epoch. */
  now(): number;
  randomBytes(count: number): Uint8Array;
  /** The store is lost: nothing may be accepted any more. */
  onLost(message: string): void;
}

export interface LocalRun {
  readonly addresses: RuntimeAddresses;
  /** The start-up token, also in `dev.json`. */
  readonly token: string;
  readonly dataDirectory: string;
  readonly folder: string;
  /** Where the store is, for people: a file, or host and database. */
  readonly storeAt: string;
  /** Which cluster it follows, and as whom; empty: none. */
  readonly cluster: readonly string[];
  states(): FunctionStates;
  diagnostics(): readonly Diagnostic[];
  findRecords: LocalView['findRecords'];
  /** What the local API and the console read. */
  readonly view: LocalView;
  readonly policy: InstallationPolicy;
  /** Tells other commands where the console is. */
  publishConsole(consoleUrl: string): void;
  /** Calls back after each change of states; answers how to stop. */
  followStates(listener: () => void): () => void;
  /** Lets running calls end, then closes everything and gives the data directory back. */
  stop(): Promise<void>;
}

export type RunLocalResult =
  | { readonly ok: true; readonly run: LocalRun }
  | { readonly ok: false; readonly lines: readonly string[] };

/** Starts; resolves when everything the folder holds is served or refused with a reason. */
export async function runLocal(options: RunLocalOptions): Promise<RunLocalResult> {
  const { settings } = options;
  const refuse = (...lines: readonly string[]): RunLocalResult => ({ ok: false, lines });
  const found = statSync(settings.folder, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) {
    return refuse(
      found === undefined
        ? `there is no folder ${settings.folder}`
        : `${settings.folder} is not a folder: name the one it stands in`,
    );
  }
  const policy = readPolicyFile(settings.policyFile, settings.egressAllow);
  if (!policy.ok) return refuse(...policy.lines);
  const secrets = readSecretsFile(settings.envFile);
  if (!secrets.ok) return refuse(...secrets.lines);
  const path = resolve(settings.dataDirectory ?? defaultDataDirectory(settings.folder));
  const held = holdDataDirectory(path, { pid: process.pid, newId: () => hex(options.randomBytes(8)) });
  if (!held.ok) return refuse(held.message);
  try {
    return { ok: true, run: await start(options, held.value, policy.policyFor, secrets.entries) };
  } catch (error) {
    held.value.release();
    return refuse(errorMessage(error));
  }
}

async function start(
  options: RunLocalOptions,
  directory: HeldDataDirectory,
  policyFor: (publicUrl: string) => Parameters<typeof createTableBuilder>[0]['policy'],
  firstSecrets: ReadonlyMap<string, string>,
): Promise<LocalRun> {
  const { settings, log, print, timers } = options;
  const token = Buffer.from(options.randomBytes(32)).toString('base64url');
  const root = realpathSync(settings.folder);
  let states: FunctionStates = new Map();
  let secrets = firstSecrets;
  let diagnostics: readonly Diagnostic[] = [];
  let runtime: Runtime | undefined;
  let cluster: OpenCluster | undefined;
  const store = await openLocalStore(options, directory.path);
  const storePath = join(directory.path, 'store.db');
  let stopLooking = (): void => {};
  const opened = openLocalView({
    version: options.version,
    timers,
    now: () => options.now(),
    randomBytes: (count) => options.randomBytes(count),
    store,
    folder: root,
    envFile: settings.envFile,
    policy: policyFor(settings.publicUrl ?? 'http://127.0.0.1'),
    runtime: () => runtime,
    states: () => states,
    diagnostics: () => diagnostics,
  });
  const { view } = opened;
  try {
    if (settings.storeUrl === undefined) {
      const onLost = (message: string): void => options.onLost(message);
      stopLooking = watchStoreFile({ path: storePath, timers, onLost });
    }
    const readings = openReadingCache(join(directory.path, 'readings'));
    const source = createFolderSource({
      readings,
      root,
      check: documentCheck(createFunctionCheck(receivers)),
      now: () => timers.now(),
    });
    // Read while the threads start; what changes meanwhile is read again below.
    const reading = source.refresh(['']);
    reading.catch(() => undefined);
    if (settings.kube !== undefined) {
      // The clients of clusters and of PostgreSQL cost a second and 30 MB: for whoever wants them.
      const { openCluster } = await import('./open-cluster.ts');
      cluster = await openCluster({ settings: settings.kube, version: options.version, log, print });
    }
    runtime = await createRuntime({
      ...(cluster === undefined ? {} : { kubernetes: cluster.call }),
      settings: { ...settings.runtime, policy: policyFor(settings.publicUrl ?? 'http://127.0.0.1'), callToken: token },
      log,
      store,
      adminRoutes: (app, port) => {
        registerLocalApi(app, { view, token, port });
      },
    });
    const { addresses } = runtime;
    cluster?.follow(runtime);
    const builder = createTableBuilder({
      policy: policyFor(settings.publicUrl ?? addresses.public),
      inputs: createLocalInputs(() => options.now()),
      server: runtime,
      unknownNames: 'warning',
      followsCluster: cluster !== undefined,
      fingerprintKey: options.randomBytes(32),
      now: () => options.now(),
    });

    let lookAgain: { cancel(): void } | undefined;
    let updating: Promise<void> = Promise.resolve();
    let stopped = false;
    const followers = new Set<() => void>();
    const update = (names: Iterable<string>, noticedAt: number): Promise<void> => {
      updating = updating.then(async () => {
        if (stopped) return;
        const snapshot = await source.refresh(names);
        const before = new Set(diagnostics.map(formatDiagnostic));
        const next = sortDiagnostics(snapshot.diagnostics);
        for (const line of next.map(formatDiagnostic)) if (!before.has(line)) print(line);
        for (const file of mended(diagnostics, next)) print(`${file}: ok again`);
        diagnostics = next;
        const after = await builder.update(snapshot, secrets);
        for (const line of reportChanges(states, after, timers.now() - noticedAt)) print(line);
        states = after;
        cluster?.tableChanged();
        for (const listener of followers) listener();
        lookAgain?.cancel();
        const { lookAgainInMs } = snapshot;
        if (lookAgainInMs !== undefined) lookAgain = timers.after(lookAgainInMs, () => void update([], timers.now()));
      });
      return updating;
    };
    // The watch begins first: what is written while the folder is read for the first time is read again.
    const watch: FolderWatch = await watchFolder({
      root,
      timers,
      others: () => source.otherFiles(),
      onChange: update,
      onPolling: (reason) => {
        print(
          `${settings.folder}: the system gives no notice of changes (${reason}): looking several times a second instead`,
        );
      },
    });
    const began = timers.now();
    await reading;
    await update([''], began);
    readings.save();
    const { envFile } = settings;
    const stopSecrets =
      envFile === undefined
        ? () => {}
        : watchSecretsFile(envFile, timers, (result) => {
            if (result.ok) secrets = result.entries;
            else for (const line of result.lines) print(line);
            void update([], timers.now());
          });
    const self = {
      pid: process.pid,
      token,
      publicUrl: addresses.public,
      callUrl: addresses.calls,
      adminUrl: addresses.admin,
    };
    directory.publish(self);
    const running = runtime;
    await opened.resume();
    return {
      addresses,
      token,
      dataDirectory: directory.path,
      folder: root,
      storeAt:
        settings.storeUrl === undefined
          ? storePath
          : `PostgreSQL at ${(await import('../store/open-postgres.ts')).describeDatabase(settings.storeUrl)}`,
      cluster: cluster?.lines ?? [],
      states: () => states,
      diagnostics: () => diagnostics,
      findRecords: view.findRecords,
      view,
      policy: policyFor(settings.publicUrl ?? addresses.public),
      publishConsole: (consoleUrl) => {
        directory.publish({ ...self, consoleUrl });
      },
      followStates: (listener) => {
        followers.add(listener);
        return () => followers.delete(listener);
      },
      stop: async () => {
        stopped = true;
        stopLooking();
        watch.close();
        stopSecrets();
        lookAgain?.cancel();
        await updating;
        await opened.close();
        await cluster?.close();
        await running.drain();
        await store.close();
        directory.release();
      },
    };
  } catch (error) {
    stopLooking();
    await opened.close();
    await cluster?.close();
    await runtime?.close();
    await store.close();
    throw error;
  }
}

/** Files that had errors and have none any more. */
function mended(before: readonly Diagnostic[], after: readonly Diagnostic[]): readonly string[] {
  const wrong = (list: readonly Diagnostic[]): Set<string> =>
    new Set(list.filter(({ severity }) => severity === 'error').map(({ file }) => file));
  const still = wrong(after);
  return [...wrong(before)].filter((file) => !still.has(file));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
