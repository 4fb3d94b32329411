/** `moonhook status`: how a whole run stands: its functions, and in a cluster its runtimes. */
import type { Command } from 'commander';
import { formatDiagnostic } from '../local/diagnostic.ts';
import { connectRun, withRunOptions, type RunOptions } from './choose-run.ts';
import { refused } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { formatTable, printLines, printValue, readFormat } from './output.ts';

interface StatusOptions extends RunOptions {
  readonly output?: string;
}

const shownNotReady = 20;

/** Adds the verb to the program. */
export function registerStatus(program: Command): void {
  withRunOptions(program.command('status'))
    .description('show how all of it stands: functions that are ready, and in a cluster the runtimes')
    .option('-o, --output <format>', 'json or yaml')
    .addHelpText(
      'after',
      '\nIn a cluster it needs the view role bound in the whole cluster. Exit codes: 0 all functions and subscriptions are ready, 1 not all, or a file cannot be used.',
    )
    .action(async (options: StatusOptions) => {
      process.exitCode = await status(options);
    });
}

async function status(options: StatusOptions): Promise<number> {
  const format = readFormat(options.output, ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  const run = await connectRun(options);
  const answer = await run.status();
  if (!answer.ok) return refused(answer);
  const said = answer.value;
  const { functions, ready, subscriptions, notReady, runtimes, diagnostics = [] } = said;
  const isWhole = notReady.length === 0 && !diagnostics.some(({ severity }) => severity === 'error');
  const exitCode = isWhole ? exitCodes.ok : exitCodes.failed;
  if (printValue(format, answer.value)) return exitCode;
  printLines([
    said.folder === undefined
      ? `cluster of ${said.place ?? ''}`
      : `local run of ${said.folder} (${said.version ?? ''})`,
    `${ready} of ${functions} ${functions === 1 ? 'function' : 'functions'} ready, ${subscriptions} ${subscriptions === 1 ? 'subscription' : 'subscriptions'}`,
  ]);
  if (runtimes !== undefined) {
    const rows = runtimes.map(({ name, group, linked, ready: whole, functions: count }) =>
      [name, group, linked, whole, count].map(String),
    );
    process.stdout.write(`\n${formatTable(['RUNTIME', 'GROUP', 'LINKED', 'READY', 'FUNCTIONS'], rows)}`);
  }
  if (notReady.length > 0) {
    const rows = notReady
      .slice(0, shownNotReady)
      .map(({ namespace, name, reason, message }) => [namespace, name, reason, message].map(String));
    process.stdout.write(`\n${formatTable(['NAMESPACE', 'NAME', 'REASON', 'MESSAGE'], rows)}`);
  }
  if (diagnostics.length > 0) printLines(['', ...diagnostics.map(formatDiagnostic)]);
  return exitCode;
}
