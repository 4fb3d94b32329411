/** `moonhook runtime`: one runtime of a cluster. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { errorMessage } from '../failures/error-message.ts';
import { runClusterRuntime } from '../runtime/run-cluster-runtime.ts';
import { readClusterRuntimeSettings } from '../settings/cluster-runtime-settings.ts';
import { createLogger } from '../telemetry/logger.ts';
import { exitCodes } from './exit-codes.ts';
import { complain } from './output.ts';

/** Adds the verb to the program. */
export function registerRuntime(program: Command): void {
  program
    .command('runtime')
    .description('run one runtime of a cluster; the chart starts it and sets its environment')
    .addHelpText(
      'after',
      '\nExit codes: 0 stopped by a signal, 1 it could not start or its store was lost, 2 wrong usage.',
    )
    .action(async () => {
      process.exitCode = await run();
    });
}

async function run(): Promise<number> {
  const read = readClusterRuntimeSettings();
  if (!read.ok) {
    for (const mistake of read.mistakes) complain(mistake);
    return exitCodes.unusable;
  }
  const { settings } = read;
  const log = createLogger({ level: settings.logLevel, terminal: process.stdout.isTTY, stream: process.stdout });
  const ending = Promise.withResolvers<number>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.resolve(exitCodes.ok));
  try {
    const program = await runClusterRuntime({
      settings,
      log,
      identity: randomUUID(),
      random: () => Math.random(),
      callToken: randomBytes(32).toString('base64url'),
      newId: randomUUID,
      onLost: (message) => {
        log.error(`the store is lost: ${message}`);
        ending.resolve(exitCodes.failed);
      },
    });
    const exitCode = await ending.promise;
    log.info('stopping: running calls may end');
    await program.stop();
    return exitCode;
  } catch (error) {
    complain(errorMessage(error));
    return exitCodes.failed;
  }
}
