/** `moonhook refresh NS/NAME`: the controller reads what a function refers to again, at once. */
import type { Command } from 'commander';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { refused } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, printLines, printValue, readFormat } from './output.ts';
import { readSubject } from './subject-name.ts';

interface RefreshOptions extends RunOptions {
  readonly namespace?: string;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerRefresh(program: Command): void {
  withRunOptions(program.command('refresh'))
    .description('in a cluster: read the Secrets, ConfigMaps and the ServiceAccount of a function again, at once')
    .argument('<function>', 'NAMESPACE/NAME, NAME or whf/NAME')
    .option('-n, --namespace <namespace>', 'namespace of a NAME (default: that of the context)')
    .option('-o, --output <format>', 'json or yaml')
    .action(async (text: string, options: RefreshOptions) => {
      process.exitCode = await refresh(text, options);
    });
}

async function refresh(text: string, given: RefreshOptions): Promise<number> {
  const client = await connectRun(given);
  const options = inScope(given, client, text);
  const format = readFormat(options.output, ['json', 'yaml']);
  const subject = readSubject(text, options.namespace);
  if (format === undefined) return exitCodes.unusable;
  if (typeof subject === 'string' || subject.kind !== 'function') {
    complain(typeof subject === 'string' ? subject : 'only functions are refreshed');
    return exitCodes.unusable;
  }
  const { namespace, name } = subject;
  const answer = await client.refresh(namespace, name);
  if (!answer.ok) return refused(answer);
  if (!printValue(format, { namespace, name, refreshed: true })) {
    printLines([`${namespace}/${name}: what it refers to is read again`]);
  }
  return exitCodes.ok;
}
