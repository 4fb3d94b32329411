/** Which run a verb speaks to: the local run of a folder, or a cluster through a kubeconfig. One rule for all verbs, and told. */
import type { Command } from 'commander';
import { readClusterEnvironment, type ClusterEnvironment } from '../settings/cli-settings.ts';
import { dataDirectoryFromEnvironment } from '../settings/dev-settings.ts';
import { hasRunHere, type Refusal } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { connectLocalRun } from './local-run-client.ts';
import { complain } from './output.ts';
import type { RunClient } from './run-client.ts';

export interface RunOptions {
  readonly dataDir?: string;
  readonly context?: string;
  readonly kubeconfig?: string;
}

/** How one run is chosen, for the reference page. */
export const runRule = `With \`--data-dir\` (or \`MOONHOOK_DATA_DIR\`) the local run there; with \`--context\` or \`--kubeconfig\`, and as \`kubectl moonhook\`, the cluster; else the local run of this folder or one above it; else the cluster of the current context, which is said on standard error. In a cluster a name without a namespace is of the context's namespace, and so are lists without \`-n\`; \`-A\` is for all.`;

/** Adds the options that choose a run. */
export function withRunOptions(command: Command): Command {
  return command
    .option('--data-dir <path>', 'data directory of a local run')
    .option('--context <name>', 'the cluster of this context of the kubeconfig')
    .option('--kubeconfig <file>', 'the cluster of this kubeconfig (default: KUBECONFIG, else ~/.kube/config)');
}

export type RunChoice =
  | { readonly kind: 'local' }
  /** `told`: nobody has asked for it by name. */
  | { readonly kind: 'cluster'; readonly told: boolean }
  | { readonly kind: 'mistake'; readonly message: string };

/** The rule. Pure: `here`: a local run has written to this folder or one above it. */
export function chooseRun(
  { dataDir, context, kubeconfig }: RunOptions,
  {
    dataDirSet,
    here,
    plugin,
    kubeconfig: hasKubeconfig,
  }: ClusterEnvironment & {
    readonly dataDirSet: boolean;
    readonly here: boolean;
  },
): RunChoice {
  const named = context !== undefined || kubeconfig !== undefined;
  if (named && dataDir !== undefined) {
    return { kind: 'mistake', message: '--data-dir is for a local run, --context and --kubeconfig are for a cluster' };
  }
  if (dataDir !== undefined) return { kind: 'local' };
  if (named || plugin) return { kind: 'cluster', told: false };
  if (dataDirSet || here || !hasKubeconfig) return { kind: 'local' };
  return { kind: 'cluster', told: true };
}

/** The rule, asked of this process and where it stands. */
export function chosenRun(options: RunOptions): RunChoice {
  return chooseRun(options, {
    ...readClusterEnvironment(),
    dataDirSet: dataDirectoryFromEnvironment() !== undefined,
    here: hasRunHere(),
  });
}

/** The run that is meant. One that cannot be reached refuses whatever it is asked, with the reason. */
export async function connectRun(options: RunOptions): Promise<RunClient> {
  const choice = chosenRun(options);
  if (choice.kind === 'mistake') return refusing({ ok: false, exitCode: exitCodes.unusable, message: choice.message });
  if (choice.kind === 'local') return connectLocalRun(options.dataDir);
  // The Kubernetes client is read only where it is needed: it takes longer than all the rest.
  const { connectCluster } = await import('./cluster-run-client.ts');
  const connected = connectCluster(options);
  if (!connected.ok) return refusing(connected);
  if (choice.told) complain(`no local run here: this is the cluster of ${connected.value.label}`);
  return connected.value;
}

/** A client whose every answer is this refusal. */
function refusing(refusal: Refusal): RunClient {
  const answer = (): Promise<Refusal> => Promise.resolve(refusal);
  return {
    label: 'no run',
    listFunctions: answer,
    listSubscriptions: answer,
    describe: answer,
    listCalls: answer,
    followCalls: answer,
    listDeliveries: answer,
    describeDelivery: answer,
    explain: answer,
    explainRequest: answer,
    invoke: answer,
    publish: answer,
    foresee: answer,
    replay: answer,
    replayStatus: answer,
    cancelReplay: answer,
    cancel: answer,
    readKeys: answer,
    setKey: answer,
    deleteKey: answer,
    setSuspend: answer,
    ping: answer,
    refresh: answer,
    status: answer,
  };
}

interface ScopeOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

/** The options with the namespace of the kubeconfig's context where neither they nor the text name one. */
export function inScope<Options extends ScopeOptions>(options: Options, run: RunClient, text?: string): Options {
  const { namespace } = run;
  if (namespace === undefined || options.namespace !== undefined || options.allNamespaces === true) return options;
  if (
    text !== undefined &&
    /^(?:wh[fs]\/)?[^/]+\/[^/]+$/.test(text) &&
    !/^(?:wh[fs]|delivery|call|replay)\/[^/]+$/.test(text)
  ) {
    return options;
  }
  return { ...options, namespace };
}
