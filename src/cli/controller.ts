/** `moonhook controller`: one replica of the controller of a cluster. */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { startAggregatedApi } from '../controller/aggregated-api/start-aggregated-api.ts';
import { startClusterEvents } from '../controller/cluster-events/start-cluster-events.ts';
import { startLinks, type LinkedParts } from '../controller/link/start-links.ts';
import { runController, type StartPart } from '../controller/run-controller.ts';
import { readControllerSettings, type ControllerOptionsTyped } from '../settings/controller-settings.ts';
import { createLogger } from '../telemetry/logger.ts';
import { exitCodes } from './exit-codes.ts';
import { complain } from './output.ts';
import { version } from './package-version.ts';

/** Adds the verb to the program. */
export function registerController(program: Command): void {
  program
    .command('controller')
    .description('run one replica of the controller of a cluster; the chart starts it')
    .option('--kubeconfig <file>', 'outside a cluster (default: KUBECONFIG, else ~/.kube/config)')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', 'namespace of the installation (default: POD_NAMESPACE, else moonhook)')
    .option('--policy <file>', 'what the installation allows (default: MOONHOOK_POLICY_FILE)')
    .addHelpText('after', '\nExit codes: 0 stopped by a signal, 1 it could not start, 2 wrong usage.')
    .action(async (options: ControllerOptionsTyped) => {
      process.exitCode = await control(options);
    });
}

/** The links, and what is made of them. */
function createParts(): readonly StartPart[] {
  const links = Promise.withResolvers<LinkedParts>();
  return [
    async (context) => {
      const started = await startLinks(context);
      links.resolve(started);
      return started;
    },
    async (context) => {
      if (!context.settings.aggregatedApi) return { close: () => Promise.resolve() };
      return startAggregatedApi(context, await links.promise);
    },
    async (context) => startClusterEvents(context, (await links.promise).server),
  ];
}

async function control(options: ControllerOptionsTyped): Promise<number> {
  const read = readControllerSettings(options, hostname());
  if (!read.ok) {
    for (const mistake of read.mistakes) complain(mistake);
    return exitCodes.unusable;
  }
  const ending = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.resolve());
  const { settings } = read;
  const log = createLogger({ level: settings.logLevel, terminal: process.stdout.isTTY, stream: process.stdout });
  const result = await runController({ settings, log, version, parts: createParts() });
  if (!result.ok) {
    for (const mistake of result.mistakes) complain(mistake);
    return exitCodes.failed;
  }
  await ending.promise;
  await result.program.stop();
  return exitCodes.ok;
}
