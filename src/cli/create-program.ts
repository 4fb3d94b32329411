/** The `moonhook` command with its verbs, in the order `--help` shows them. */
import { Command } from 'commander';
import { version } from './package-version.ts';

/** Adds a verb (or two that belong together) to a program. */
type Register = (program: Command) => void;

/** A verb's file is read only when it is needed: `moonhook list` does not wait for the engine. */
const verbs: Readonly<Record<string, () => Promise<Register>>> = {
  new: async () => (await import('./new.ts')).registerNew,
  dev: async () => (await import('./dev.ts')).registerDev,
  console: async () => (await import('./console.ts')).registerConsole,
  check: async () => (await import('./check.ts')).registerCheck,
  render: async () => (await import('./render.ts')).registerRender,
  invoke: async () => (await import('./invoke.ts')).registerInvoke,
  send: async () => (await import('./send.ts')).registerSend,
  publish: async () => (await import('./publish.ts')).registerPublish,
  calls: async () => (await import('./calls.ts')).registerCalls,
  logs: async () => (await import('./calls.ts')).registerLogs,
  explain: async () => (await import('./explain.ts')).registerExplain,
  deliveries: async () => (await import('./deliveries.ts')).registerDeliveries,
  replay: async () => (await import('./replay.ts')).registerReplay,
  cancel: async () => (await import('./cancel.ts')).registerCancel,
  suspend: async () => (await import('./suspend.ts')).registerSuspend,
  resume: async () => (await import('./suspend.ts')).registerResume,
  kv: async () => (await import('./kv.ts')).registerKv,
  store: async () => (await import('./store.ts')).registerStore,
  list: async () => (await import('./list.ts')).registerList,
  describe: async () => (await import('./describe.ts')).registerDescribe,
  status: async () => (await import('./status.ts')).registerStatus,
  refresh: async () => (await import('./refresh.ts')).registerRefresh,
  ping: async () => (await import('./ping.ts')).registerPing,
  receivers: async () => (await import('./receivers.ts')).registerReceivers,
  verify: async () => (await import('./verify.ts')).registerVerify,
  controller: async () => (await import('./controller.ts')).registerController,
  runtime: async () => (await import('./runtime.ts')).registerRuntime,
  version: async () => (await import('./version.ts')).registerVersion,
};

/** A program that throws instead of ending the process; with one verb if `wanted` is one, else with all. */
export async function createProgram(wanted?: string): Promise<Command> {
  const program = new Command('moonhook')
    .description('webhook functions in Lua: serve them from a folder, try them, see why something did not fire')
    .version(version, '-V, --version', 'print the version')
    .showHelpAfterError('(`moonhook --help` lists the verbs)')
    .showSuggestionAfterError(true)
    .exitOverride();
  const one = wanted !== undefined && Object.hasOwn(verbs, wanted) ? verbs[wanted] : undefined;
  for (const load of one === undefined ? Object.values(verbs) : [one]) (await load())(program);
  prepare(program, 'moonhook');
  return program;
}

function prepare(parent: Command, path: string): void {
  for (const command of parent.commands) {
    const own = `${path} ${command.name()}`;
    command.exitOverride().showHelpAfterError(`(\`${own} --help\` shows its options)`);
    prepare(command, own);
  }
}
