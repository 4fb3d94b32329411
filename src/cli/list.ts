/** `moonhook list`: the functions of a running `moonhook dev`. */
import type { Command } from 'commander';
import { askApi, refused } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { formatTable, wantsJson } from './output.ts';

interface ListOptions {
  readonly namespace?: string;
  readonly dataDir?: string;
  readonly output?: string;
}

interface ListedFunction {
  readonly namespace: string;
  readonly name: string;
  readonly ready: string;
  readonly reason: string;
  readonly revision: string;
  readonly url?: string;
  readonly triggers: readonly { readonly name: string; readonly kind: string }[];
}

/** Adds the verb to the program. */
export function registerList(program: Command): void {
  program
    .command('list')
    .description('list the functions of the running `moonhook dev`')
    .option('-n, --namespace <namespace>', 'one namespace only (default: all)')
    .option('--data-dir <path>', 'data directory of the process')
    .option('-o, --output <format>', 'json')
    .action(async (options: ListOptions) => {
      process.exitCode = await list(options);
    });
}

async function list(options: ListOptions): Promise<number> {
  const json = wantsJson(options.output);
  if (json === undefined) return exitCodes.unusable;
  const query = options.namespace === undefined ? '' : `?namespace=${encodeURIComponent(options.namespace)}`;
  const answer = await askApi(`/functions${query}`, options.dataDir);
  if (!answer.ok) return refused(answer);
  const functions = answer.value['functions'] as readonly ListedFunction[];
  if (json) {
    process.stdout.write(`${JSON.stringify(functions, undefined, 2)}\n`);
    return exitCodes.ok;
  }
  if (functions.length === 0) {
    process.stderr.write('moonhook: no functions\n');
    return exitCodes.ok;
  }
  const rows = functions.map((each) => [
    each.namespace,
    each.name,
    each.ready,
    each.reason,
    each.triggers.map(({ name, kind }) => `${name} (${kind})`).join(', '),
    each.revision.slice(0, 8),
    each.url ?? '',
  ]);
  process.stdout.write(formatTable(['NAMESPACE', 'NAME', 'READY', 'REASON', 'TRIGGERS', 'REVISION', 'URL'], rows));
  return exitCodes.ok;
}
