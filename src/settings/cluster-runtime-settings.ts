/** Settings of a runtime in a cluster: the environment that the chart sets. */
import { join } from 'node:path';
import { defaultPolicy } from '../policy/installation-policy.ts';
import { environmentReader, type LogLevel } from './environment-reader.ts';
import { runtimeDefaults, type RuntimeSettings } from './runtime-settings.ts';

export interface ClusterRuntimeSettings {
  readonly runtime: RuntimeSettings;
  readonly podName: string;
  readonly podUid: string;
  readonly group: string;
  /** Names that are resolved again and again: a headless Service names every replica. */
  readonly controllers: readonly { readonly host: string; readonly port: number }[];
  /** Name in the controllers' certificate. */
  readonly serverName: string;
  /** Replaced by the kubelet while the process runs. */
  readonly tokenFile: string;
  readonly authorityFile: string;
  /** On a memory file system; absent: a restart without a controller serves nothing. */
  readonly tableFile?: string;
  /** A `postgres:` URL; undefined: SQLite. */
  readonly storeUrl?: string;
  /** Of the SQLite file. */
  readonly storeFile: string;
  /** The owner whose store may be taken over; absent: nobody's. */
  readonly adoptStore?: string;
  /** Requests still come for so long after readiness failed: endpoints are taken away by others. */
  readonly lameMs: number;
  readonly logLevel: LogLevel;
}

export type ClusterRuntimeResult =
  | { readonly ok: true; readonly settings: ClusterRuntimeSettings }
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Reads all of it; every mistake is told, not only the first. */
export function readClusterRuntimeSettings(environment: NodeJS.ProcessEnv = process.env): ClusterRuntimeResult {
  const mistakes: string[] = [];
  const { text, integer, port, logLevel } = environmentReader(environment, mistakes);
  const needed = (name: string, what: string): string => {
    const value = text(name, '');
    if (value === '') mistakes.push(`${name} must be set: ${what}`);
    return value;
  };
  const controllers = readControllers(needed('MOONHOOK_LINK', 'HOST:PORT of the controllers'), mistakes);
  const storeUrl = text('MOONHOOK_STORE_URL', '');
  // The URL may hold a password, so a mistake does not repeat it.
  if (storeUrl !== '' && !/^postgres(ql)?:$/.test(URL.parse(storeUrl)?.protocol ?? ''))
    mistakes.push('MOONHOOK_STORE_URL must be a URL such as postgres://user@host:5432/moonhook');
  const adoptStore = text('MOONHOOK_STORE_ADOPT', '');
  const host = text('MOONHOOK_LISTEN_HOST', '0.0.0.0');
  const drainMs = integer('MOONHOOK_DRAIN_SECONDS', 30, 0, 3_600) * 1_000;
  const lameMs = Math.min(5_000, Math.floor(drainMs / 3));
  const tableDirectory = text('MOONHOOK_TABLE_DIR', '');
  const settings: ClusterRuntimeSettings = {
    podName: needed('POD_NAME', 'the name of this pod'),
    podUid: needed('POD_UID', 'the uid of this pod'),
    group: text('MOONHOOK_GROUP', 'default'),
    controllers,
    serverName: text('MOONHOOK_LINK_SERVER_NAME', controllers[0]?.host ?? ''),
    tokenFile: needed('MOONHOOK_LINK_TOKEN_FILE', 'the token that proves this pod to the controllers'),
    authorityFile: needed('MOONHOOK_LINK_CA_FILE', 'the authority of the controllers’ certificate'),
    ...(tableDirectory === '' ? {} : { tableFile: join(tableDirectory, 'table.jsonl') }),
    ...(storeUrl === '' ? {} : { storeUrl }),
    storeFile: join(text('MOONHOOK_DATA_DIR', '/var/lib/moonhook'), 'store.db'),
    ...(adoptStore === '' ? {} : { adoptStore }),
    lameMs,
    logLevel: logLevel(),
    runtime: {
      ...runtimeDefaults,
      workers: integer('MOONHOOK_WORKERS', runtimeDefaults.workers, 1, 64),
      public: { host, port: port('MOONHOOK_PUBLIC_PORT', runtimeDefaults.public.port) },
      calls: { host, port: port('MOONHOOK_CALLS_PORT', runtimeDefaults.calls.port) },
      admin: { host, port: port('MOONHOOK_ADMIN_PORT', runtimeDefaults.admin.port) },
      callAudience: text('MOONHOOK_CALL_AUDIENCE', 'moonhook'),
      // Until a controller has said what holds; nothing is served before.
      policy: defaultPolicy('http://localhost'),
      drainGraceMs: drainMs - lameMs,
    },
  };
  return mistakes.length === 0 ? { ok: true, settings } : { ok: false, mistakes };
}

function readControllers(text: string, mistakes: string[]): ClusterRuntimeSettings['controllers'] {
  if (text === '') return [];
  return text.split(',').flatMap((each) => {
    const [, host = '', port = ''] = /^\s*\[?([^\][\s]+?)\]?:([0-9]{1,5})\s*$/.exec(each) ?? [];
    if (host !== '' && Number(port) <= 65_535) return [{ host, port: Number(port) }];
    mistakes.push(`MOONHOOK_LINK must be HOST:PORT, several with commas between, not ${JSON.stringify(each)}`);
    return [];
  });
}
