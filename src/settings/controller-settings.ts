/** Settings of a controller: the environment that the chart sets, and options for a run outside a cluster. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { errorMessage } from '../failures/error-message.ts';
import { defaultPolicy, type InstallationPolicy } from '../policy/installation-policy.ts';
import { readPolicy } from '../policy/read-policy.ts';
import { environmentReader, type LogLevel } from './environment-reader.ts';
import type { ListenAddress } from './runtime-settings.ts';

/** Options of `moonhook controller` as typed. */
export interface ControllerOptionsTyped {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly policy?: string;
}

export interface ControllerSettings {
  /** Undefined: the ServiceAccount of the pod. */
  readonly kubeconfig?: { readonly path?: string; readonly context?: string };
  /** The namespace of the installation. */
  readonly namespace: string;
  /** Prefix of the names of everything it makes: Lease, certificates. */
  readonly installation: string;
  /** Name of this replica. */
  readonly pod: string;
  /** Absent: the default policy. */
  readonly policyFile?: string;
  /** Service of the runtimes. */
  readonly runtimeService: string;
  readonly runtimeServiceAccount: string;
  /** Audience of the tokens that runtimes show. */
  readonly linkAudience: string;
  readonly aggregatedApi: boolean;
  readonly link: ListenAddress;
  readonly api: ListenAddress;
  readonly admin: ListenAddress;
  readonly logLevel: LogLevel;
}

export type ControllerSettingsResult =
  | { readonly ok: true; readonly settings: ControllerSettings }
  | { readonly ok: false; readonly mistakes: readonly string[] };

const objectName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Reads all of it; every mistake is told, not only the first. `hostname` names a replica outside a cluster. */
export function readControllerSettings(
  options: ControllerOptionsTyped,
  hostname: string,
  environment: NodeJS.ProcessEnv = process.env,
): ControllerSettingsResult {
  const mistakes: string[] = [];
  const { text, port, logLevel } = environmentReader(environment, mistakes);
  const named = (name: string, value: string): string => {
    if (!objectName.test(value)) mistakes.push(`${name} must be the name of an object, not ${JSON.stringify(value)}`);
    return value;
  };
  const inCluster = text('KUBERNETES_SERVICE_HOST', '') !== '' && options.kubeconfig === undefined;
  const host = text('MOONHOOK_LISTEN_HOST', inCluster ? '0.0.0.0' : '127.0.0.1');
  const installation = named('MOONHOOK_INSTALLATION', text('MOONHOOK_INSTALLATION', 'moonhook'));
  const namespace = named('the namespace', options.namespace ?? text('POD_NAMESPACE', 'moonhook'));
  const policyFile = options.policy ?? text('MOONHOOK_POLICY_FILE', '');
  const switched = text('MOONHOOK_AGGREGATED_API', 'false');
  if (switched !== 'true' && switched !== 'false') mistakes.push('MOONHOOK_AGGREGATED_API must be true or false');
  const settings: ControllerSettings = {
    ...(inCluster
      ? {}
      : {
          kubeconfig: {
            ...(options.kubeconfig === undefined ? {} : { path: options.kubeconfig }),
            ...(options.context === undefined ? {} : { context: options.context }),
          },
        }),
    namespace,
    installation,
    pod: text('POD_NAME', hostname),
    ...(policyFile === '' ? {} : { policyFile }),
    runtimeService: named('MOONHOOK_RUNTIME_SERVICE', text('MOONHOOK_RUNTIME_SERVICE', installation)),
    runtimeServiceAccount: text('MOONHOOK_RUNTIME_SERVICE_ACCOUNT', `${installation}-runtime`),
    linkAudience: text('MOONHOOK_LINK_AUDIENCE', `${installation}-link.${namespace}.moonhook.dev`),
    aggregatedApi: switched === 'true',
    link: { host, port: port('MOONHOOK_LINK_PORT', 8443) },
    api: { host, port: port('MOONHOOK_API_PORT', 8444) },
    admin: { host, port: port('MOONHOOK_ADMIN_PORT', 9090) },
    logLevel: logLevel(),
  };
  return mistakes.length === 0 ? { ok: true, settings } : { ok: false, mistakes };
}

/** The policy file as it was last read. */
export type PolicyFileReading =
  | { readonly ok: true; readonly text: string; readonly policy: InstallationPolicy }
  | { readonly ok: false; readonly text: string; readonly mistakes: readonly string[] };

/** Reads the policy of an installation; without a file, or where it is silent: one host of any name. */
export function readInstallationPolicy(settings: ControllerSettings): PolicyFileReading {
  const { policyFile, runtimeService, namespace } = settings;
  const base = defaultPolicy(`http://${runtimeService}.${namespace}.svc`);
  if (policyFile === undefined) return { ok: true, text: '', policy: base };
  let text = '';
  try {
    text = readFileSync(policyFile, 'utf8');
    const reading = readPolicy(parse(text), base, { local: false });
    if (reading.ok) return { ok: true, text, policy: reading.policy };
    const mistakes = reading.mistakes.map(({ path, message, hint }) => {
      return `${policyFile}: ${path === '' ? '' : `${path}: `}${message}${hint === undefined ? '' : ` (${hint})`}`;
    });
    return { ok: false, text, mistakes };
  } catch (error) {
    const message = errorMessage(error);
    return { ok: false, text, mistakes: [`cannot read the policy ${policyFile}: ${message}`] };
  }
}
