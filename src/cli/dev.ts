/** `moonhook dev [DIR]`: serves the functions of a folder on this machine, and every change of it. */
import { randomBytes } from 'node:crypto';
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { FunctionState } from '../local/report-functions.ts';
import { runLocal, type LocalRun } from '../local/run-local.ts';
import { systemTimers } from '../local/system-timers.ts';
import { runtimeDefaults } from '../settings/runtime-settings.ts';
import { defaultConsolePort, readDevSettings, type DevOptions, type DevSettings } from '../settings/dev-settings.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { collectValues } from './collect-values.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { openLocalConsole, type LocalConsole } from './local-console.ts';
import { complain, formatTable } from './output.ts';
import { version } from './package-version.ts';

/** Adds the verb to the program. */
export function registerDev(program: Command): void {
  const { public: open, calls, admin, workers } = runtimeDefaults;
  program
    .command('dev')
    .description('serve the functions of a folder on this machine, and every change of it')
    .argument('[folder]', 'folder with YAML files (default: the current folder)')
    .option('--port <port>', `port of the triggers (default: ${open.port}; 0: any free port)`)
    .option('--call-port <port>', `port of active calls, for the token's owner (default: ${calls.port})`)
    .option('--admin-port <port>', `port of metrics, health and the local API (default: ${admin.port})`)
    .option('--console-port <port>', `port of the console, the editor in the browser (default: ${defaultConsolePort})`)
    .option(
      '--host <address>',
      `address of the triggers' listener; the others stay on loopback (default: ${open.host})`,
    )
    .option('--workers <count>', `worker threads (default: ${workers})`)
    .option(
      '--egress-allow <target>',
      'let functions reach HOST:PORT although it is not public; repeat it',
      collectValues,
    )
    .option('--data-dir <path>', 'where the token and the store are kept (default: .moonhook beside the folder)')
    .option('--store <url>', 'postgres:// URL of a database in place of the SQLite file (or MOONHOOK_STORE_URL)')
    .option('--policy <file>', 'hosts, ceilings, egress, quotas, trusted proxies as an installation has them')
    .option('--public-url <url>', 'scheme and host that senders see, for senders that sign the URL')
    .option('--kube', "follow kubernetes triggers and answer k8s.* on a cluster, as each function's ServiceAccount")
    .option('--context <name>', 'with --kube: context of the kubeconfig (default: the current one)')
    .option('--kubeconfig <file>', 'with --kube: the kubeconfig (default: KUBECONFIG, else ~/.kube/config)')
    .option('--as-me', 'with --kube: use your own rights on the cluster instead of the ServiceAccounts')
    .option('--env-file <file>', 'lines SECRET.KEY=VALUE: keys of Secrets, in every namespace')
    .addHelpText(
      'after',
      '\nExit codes: 0 stopped by a signal, 1 it could not start or its store was lost, 2 wrong usage.',
    )
    .action(async (folder: string | undefined, options: DevOptions) => {
      process.exitCode = await dev({ ...options, ...(folder === undefined ? {} : { folder }) });
    });
}

async function dev(options: DevOptions): Promise<number> {
  const read = readDevSettings(options);
  if (!read.ok) {
    for (const mistake of read.mistakes) complain(mistake);
    return exitCodes.unusable;
  }
  const terminal = process.stdout.isTTY;
  const log = createLogger({ level: 'info', terminal, stream: process.stdout });
  const print = printer(terminal, log);
  const ending = Promise.withResolvers<number>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      ending.resolve(exitCodes.ok);
    });
  }
  const started = performance.now();
  const result = await runLocal({
    settings: read.settings,
    version,
    log,
    print,
    timers: systemTimers,
    now: () => Date.now(),
    randomBytes: (count) => randomBytes(count),
    onLost: (message) => {
      log.error(`the store is lost: ${message}`);
      ending.resolve(exitCodes.failed);
    },
  });
  if (!result.ok) {
    for (const line of result.lines) complain(line);
    return exitCodes.failed;
  }
  const { run } = result;
  const opened = await openConsoleOf(run, read.settings, log);
  if (!opened.ok) {
    complain(opened.message);
    await run.stop();
    return exitCodes.failed;
  }
  for (const line of banner(run, opened.console, performance.now() - started)) print(line);
  const exitCode = await ending.promise;
  print('stopping: running calls may end');
  await opened.console?.close();
  await run.stop();
  return exitCode;
}

type OpenedConsole =
  | { readonly ok: true; readonly console?: LocalConsole }
  | { readonly ok: false; readonly message: string };

/** A busy port ends the run only if that very port was asked for: what serves is worth more than what shows. */
async function openConsoleOf(run: LocalRun, settings: DevSettings, log: Logger): Promise<OpenedConsole> {
  const { consolePort: port, consoleRequired } = settings;
  try {
    const opened = await openLocalConsole(run, { port, onDefect: (message) => log.error(message) });
    run.publishConsole(opened.place);
    return { ok: true, console: opened };
  } catch (error) {
    const busy = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!busy) throw error;
    const message = `port ${port} of the console is taken: choose another with --console-port`;
    if (consoleRequired) return { ok: false, message };
    log.warn(message);
    return { ok: true };
  }
}

/** Plain lines on a terminal, the process log elsewhere. */
function printer(terminal: boolean, log: Logger): (line: string) => void {
  if (terminal) {
    return (line) => {
      process.stdout.write(`${escapeText(line)}\n`);
    };
  }
  return (line) => {
    if (/: (?:error|warning): /.test(line)) log.warn(line);
    else if (line !== '') log.info(line);
  };
}

/** A terminal's worth of triggers. */
const listed = 20;

/** What is not ready comes first when not all fit. */
function shortened(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  if (rows.length <= listed) return rows;
  const isReady = ([, , state]: readonly string[]): boolean => state === 'Ready';
  return [...rows.filter((row) => !isReady(row)), ...rows.filter(isReady)].slice(0, listed);
}

function nounOf(states: readonly FunctionState[]): string {
  return states.some(({ verdict }) => verdict.kind !== undefined) ? 'functions and subscriptions' : 'functions';
}

/** Their functions are not counted: of some not even the name can be read. */
function filesWithErrors(run: LocalRun): string {
  const errors = run.diagnostics().filter(({ severity }) => severity === 'error');
  const [first, ...more] = new Set(errors.map(({ file }) => file));
  if (first === undefined) return '';
  return `, without what has errors in ${first}${more.length === 0 ? '' : ` and ${more.length} more`}`;
}

function banner(run: LocalRun, opened: LocalConsole | undefined, tookMs: number): readonly string[] {
  const states = [...run.states().values()];
  const ready = states.filter(({ summary }) =>
    summary.conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
  ).length;
  const rows = states.flatMap(({ verdict, summary, document }) => {
    const name = `${verdict.namespace}/${verdict.name}`;
    const state = summary.conditions.find(({ type }) => type === 'Ready')?.reason ?? 'Pending';
    const urls = verdict.urls.map(({ trigger, url }) => [name, trigger, state, url]);
    if (document.kind === 'WebhookSubscription') {
      return [[`whs/${name}`, 'subscription', state, document.resource.spec.events.join(', ')]];
    }
    const others = (document.resource.spec.triggers ?? [])
      .filter(({ http }) => http === undefined)
      .map((trigger) => [name, trigger.name, state, kindOf(trigger, run.cluster.length > 0)]);
    const all = [...urls, ...others];
    return all.length === 0 ? [[name, '-', state, 'by moonhook invoke and call()']] : all;
  });
  const shown = relative(process.cwd(), run.folder) || '.';
  const here = shown.startsWith('..') ? run.folder : shown;
  const wrong = filesWithErrors(run);
  const first = wrong === '' ? ['No functions yet: `moonhook new NAME` writes a first one.'] : [];
  const table =
    rows.length === 0
      ? first
      : formatTable(['FUNCTION', 'TRIGGER', 'STATE', 'WHERE'], shortened(rows)).trimEnd().split('\n');
  return [
    '',
    `moonhook ${version} serves ${here}: ${ready} of ${states.length} ${nounOf(states)} ready in ${(tookMs / 1000).toFixed(1)} s${wrong}`,
    `  triggers  ${run.addresses.public}`,
    `  calls     ${run.addresses.calls}  (needs the token)`,
    `  admin     ${run.addresses.admin}  (/metrics /healthz /readyz)`,
    ...(opened === undefined
      ? []
      : [`  console   ${opened.place}  (\`moonhook console\` shows the address with the token)`]),
    `  token     in ${run.dataDirectory}/dev.json`,
    `  store     ${run.storeAt}`,
    ...run.cluster.map((line) => `  cluster   ${line}`),
    '',
    ...table,
    ...(rows.length <= listed ? [] : [`… and ${rows.length - listed} more: \`moonhook list\` shows all`]),
    '',
  ];
}

function kindOf(
  trigger: {
    readonly schedule?: { readonly cron: string };
    readonly event?: { readonly type: string };
    readonly kubernetes?: { readonly kind: string };
  },
  hasCluster: boolean,
): string {
  if (trigger.schedule !== undefined) return `schedule ${trigger.schedule.cron}`;
  if (trigger.event !== undefined) return `event ${trigger.event.type}`;
  return hasCluster ? `kubernetes ${trigger.kubernetes?.kind ?? ''}` : 'kubernetes (needs --kube)';
}
