/** Settings of a local run (`moonhook dev`): what the command line says, complete, or what is wrong with it. */
import { parseEgressGrant } from '../policy/egress.ts';
import { runtimeDefaults, type RuntimeSettings } from './runtime-settings.ts';

/** Options of `moonhook dev` as typed. */
export interface DevOptions {
  readonly folder?: string;
  readonly port?: string;
  readonly callPort?: string;
  readonly adminPort?: string;
  readonly consolePort?: string;
  readonly host?: string;
  readonly workers?: string;
  readonly egressAllow?: readonly string[];
  readonly dataDir?: string;
  readonly policy?: string;
  readonly publicUrl?: string;
  readonly envFile?: string;
  readonly store?: string;
  readonly kube?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly asMe?: boolean;
}

/** A cluster beside a local run. */
export interface KubeSettings {
  /** Undefined: `KUBECONFIG`, else `~/.kube/config`. */
  readonly path?: string;
  /** Undefined: the current one. */
  readonly context?: string;
  /** One's own rights instead of those of the functions' ServiceAccounts. */
  readonly asMe: boolean;
}

export interface DevSettings {
  readonly folder: string;
  /** Undefined: `.moonhook` beside the folder. */
  readonly dataDirectory?: string;
  readonly policyFile?: string;
  readonly envFile?: string;
  /** A `postgres:` URL; undefined: SQLite in the data directory. */
  readonly storeUrl?: string;
  /** Undefined: the address the listener of triggers gets. */
  readonly publicUrl?: string;
  /** Undefined: there is no cluster. */
  readonly kube?: KubeSettings;
  /** Of the console: 0 is any free port. */
  readonly consolePort: number;
  /** True: the port was asked for, so that a busy one is a failure. */
  readonly consoleRequired: boolean;
  /** Targets (`localhost:3000`, `10.0.0.0/8`) that functions may reach although they are not public. */
  readonly egressAllow: readonly string[];
  /** Complete but for the policy and the token, which a file and chance decide. */
  readonly runtime: Omit<RuntimeSettings, 'policy' | 'callToken'>;
}

export type DevSettingsResult =
  | { readonly ok: true; readonly settings: DevSettings }
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Of the console of a local run. */
export const defaultConsolePort = 8090;

/** Functions of a local run: requests and calls stop at once when it ends. */
const localDrainMs = 3_000;

/** What is wrong with the values of `--egress-allow`. */
export function egressMistakes(targets: readonly string[]): readonly string[] {
  return targets.flatMap((target) => {
    const grant = parseEgressGrant(target, { local: true });
    if (!grant.ok) return [`--egress-allow ${grant.message}`];
    // A lone word is more often a slip than a host all of whose ports are meant.
    return /^[\w-]+$/.test(target) && target !== 'localhost'
      ? [`--egress-allow takes HOST:PORT, such as ${target}:8080, or an address or CIDR`]
      : [];
  });
}

/** Reads the options; every mistake is told, not only the first. */
export function readDevSettings(options: DevOptions, environment: NodeJS.ProcessEnv = process.env): DevSettingsResult {
  const mistakes: string[] = [];
  const integer = (name: string, text: string | undefined, fallback: number, least: number, most: number): number => {
    if (text === undefined) return fallback;
    if (/^[0-9]{1,5}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
    mistakes.push(`--${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
    return fallback;
  };
  const port = (name: string, text: string | undefined, fallback: number): number =>
    integer(name, text, fallback, 0, 65_535);
  const publicUrl = readPublicUrl(options.publicUrl, mistakes);
  const storeUrl = readStoreUrl(options.store ?? environment['MOONHOOK_STORE_URL'], mistakes);
  const kube = readKube(options, mistakes);
  mistakes.push(...egressMistakes(options.egressAllow ?? []));
  // Only the listener of triggers may leave this machine: the others trust the start-up token and a loopback Host.
  const settings: DevSettings = {
    folder: options.folder ?? '.',
    ...(options.dataDir === undefined ? {} : { dataDirectory: options.dataDir }),
    ...(options.policy === undefined ? {} : { policyFile: options.policy }),
    ...(options.envFile === undefined ? {} : { envFile: options.envFile }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(storeUrl === undefined ? {} : { storeUrl }),
    ...(kube === undefined ? {} : { kube }),
    egressAllow: options.egressAllow ?? [],
    // Whoever takes any free port for triggers runs more than one of these.
    consolePort: port('console-port', options.consolePort, options.port === '0' ? 0 : defaultConsolePort),
    consoleRequired: options.consolePort !== undefined,
    runtime: {
      ...runtimeDefaults,
      workers: integer('workers', options.workers, runtimeDefaults.workers, 1, 64),
      public: {
        host: options.host ?? runtimeDefaults.public.host,
        port: port('port', options.port, runtimeDefaults.public.port),
      },
      calls: { ...runtimeDefaults.calls, port: port('call-port', options.callPort, runtimeDefaults.calls.port) },
      admin: { ...runtimeDefaults.admin, port: port('admin-port', options.adminPort, runtimeDefaults.admin.port) },
      drainGraceMs: localDrainMs,
      // On a developer's machine the memory of one more thread is worth more than a third of a second after a fault.
      watchdog: { ...runtimeDefaults.watchdog, standby: false },
    },
  };
  const { public: open, calls, admin } = settings.runtime;
  const used = [open.port, calls.port, admin.port, settings.consolePort].filter((each) => each !== 0);
  if (new Set(used).size < used.length) {
    mistakes.push('--port, --call-port, --admin-port and --console-port must differ');
  }
  return mistakes.length === 0 ? { ok: true, settings } : { ok: false, mistakes };
}

function readKube(
  { kube = false, kubeconfig, context, asMe = false }: DevOptions,
  mistakes: string[],
): KubeSettings | undefined {
  if (kube) {
    return {
      ...(kubeconfig === undefined ? {} : { path: kubeconfig }),
      ...(context === undefined ? {} : { context }),
      asMe,
    };
  }
  const lonely = { '--kubeconfig': kubeconfig !== undefined, '--context': context !== undefined, '--as-me': asMe };
  for (const [name, given] of Object.entries(lonely)) if (given) mistakes.push(`${name} needs --kube`);
  return undefined;
}

function readPublicUrl(text: string | undefined, mistakes: string[]): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  const usable = url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
  if (usable && url.username === '' && url.pathname === '/') return url.origin;
  mistakes.push(
    `--public-url must be a URL of scheme and host (for example https://x.example.com), not ${JSON.stringify(text)}`,
  );
  return undefined;
}

/** The URL may hold a password, so a mistake does not repeat it. */
function readStoreUrl(text: string | undefined, mistakes: string[]): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  mistakes.push('--store must be a URL such as postgres://user@host:5432/moonhook');
  return undefined;
}

/** The data directory that `MOONHOOK_DATA_DIR` names, for commands that talk to a running `moonhook dev`. */
export function dataDirectoryFromEnvironment(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const path = environment['MOONHOOK_DATA_DIR'];
  return path === undefined || path === '' ? undefined : path;
}
