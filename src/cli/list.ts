/** `moonhook list`: the functions and subscriptions of a run. */
import type { Command } from 'commander';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { refused } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, formatTable, printLines, printValue, readFormat } from './output.ts';
import type { ListedFunction, ListedSubscription } from './run-answers.ts';

interface ListOptions extends RunOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerList(program: Command): void {
  withRunOptions(program.command('list'))
    .description('list the functions and subscriptions of a local run or of a cluster')
    .option('-n, --namespace <namespace>', 'one namespace only (default: all; in a cluster that of the context)')
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-o, --output <format>', 'json, yaml or name')
    .action(async (options: ListOptions) => {
      process.exitCode = await list(options);
    });
}

async function list(given: ListOptions): Promise<number> {
  const client = await connectRun(given);
  const options = inScope(given, client);
  const format = readFormat(options.output, ['json', 'yaml', 'name']);
  if (format === undefined) return exitCodes.unusable;
  if (options.allNamespaces === true && options.namespace !== undefined) {
    complain('-A is for all namespaces: leave -n out');
    return exitCodes.unusable;
  }
  const listed = await client.listFunctions(options.namespace);
  if (!listed.ok) return refused(listed);
  const sending = await client.listSubscriptions(options.namespace);
  if (!sending.ok) return refused(sending);
  const [functions, subscriptions] = [listed.value, sending.value];
  if (printValue(format, [...functions, ...subscriptions])) return exitCodes.ok;
  if (format === 'name') {
    printLines([
      ...functions.map(({ namespace, name }) => `whf/${namespace}/${name}`),
      ...subscriptions.map(({ namespace, name }) => `whs/${namespace}/${name}`),
    ]);
    return exitCodes.ok;
  }
  if (functions.length + subscriptions.length === 0) {
    process.stderr.write('moonhook: no functions\n');
    return exitCodes.ok;
  }
  const tables = [
    ...(functions.length === 0 ? [] : [functionTable(functions)]),
    ...(subscriptions.length === 0 ? [] : [subscriptionTable(subscriptions)]),
  ];
  process.stdout.write(tables.join('\n'));
  return exitCodes.ok;
}

function subscriptionTable(subscriptions: readonly ListedSubscription[]): string {
  const rows = subscriptions.map((each) => [
    each.namespace,
    `whs/${each.name}`,
    each.ready,
    each.reason,
    each.events.join(', '),
    each.health.state,
    each.breaker,
    each.url ?? '',
  ]);
  return formatTable(['NAMESPACE', 'NAME', 'READY', 'REASON', 'EVENTS', 'RECEIVER', 'BREAKER', 'URL'], rows);
}

/** `nightly (schedule, next 2026-01-31T03:00Z)`: schedules have whole minutes. */
function describeTrigger({ name, kind, next }: ListedFunction['triggers'][number]): string {
  return `${name} (${kind}${next === undefined ? '' : `, next ${next.replace(':00.000Z', 'Z')}`})`;
}

function functionTable(functions: readonly ListedFunction[]): string {
  const rows = functions.map((each) => [
    each.namespace,
    each.name,
    each.ready,
    each.reason,
    each.triggers.map(describeTrigger).join(', '),
    each.revision.slice(0, 8),
    each.url ?? '',
  ]);
  return formatTable(['NAMESPACE', 'NAME', 'READY', 'REASON', 'TRIGGERS', 'REVISION', 'URL'], rows);
}
