/** `moonhook deliveries`: what is on its way to functions and subscriptions, and how it ended. */
import type { Command } from 'commander';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { deliveryHeader, deliveryRow, wideDeliveryHeader } from './delivery-lines.ts';
import { refused, type Refusal } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { whyMissing } from './missing-subject.ts';
import { complain, formatTable, printValue, readFormat } from './output.ts';
import { readSpan } from './read-when.ts';
import type { Query, RunClient } from './run-client.ts';
import { readSubject, type SubjectName } from './subject-name.ts';

interface DeliveriesOptions extends RunOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly dead?: boolean;
  readonly state?: string;
  readonly trigger?: string;
  readonly id?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly continue?: string;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerDeliveries(program: Command): void {
  withRunOptions(program.command('deliveries'))
    .description('list deliveries, the newest first: what waits, what runs, how the others ended')
    .argument('[subject]', 'a function NAMESPACE/NAME, NAME or whf/NAME; a subscription whs/NAME (default: all)')
    .option('-n, --namespace <namespace>', 'namespace of a NAME; alone: all of it')
    .option('-A, --all-namespaces', 'of all namespaces: the default without a subject and -n')
    .option('--dead', 'dead letters: those that died and that no replay has followed')
    .option('--state <states>', 'waiting, held, leased, done, dead, filtered, cancelled, superseded; joined by commas')
    .option('--trigger <name>', 'one trigger of the function only')
    .option('--id <id>', "of one event: its id, the id of the call that brought it, or the sender's delivery id")
    .option('--since <when>', 'events from then on: 30m, 2h, 7d ago, or a time')
    .option('--until <when>', 'events before then')
    .option('--limit <count>', 'at most so many, 1 to 1000 (default: 100)')
    .option('--continue <delivery>', 'those after the page that ended with this delivery')
    .option('-o, --output <format>', 'json, yaml, wide or name')
    .action(async (text: string | undefined, options: DeliveriesOptions) => {
      process.exitCode = await deliveries(text, options);
    });
}

async function deliveries(text: string | undefined, given: DeliveriesOptions): Promise<number> {
  const run = await connectRun(given);
  const options = inScope(given, run, text);
  const format = readFormat(options.output);
  if (format === undefined) return exitCodes.unusable;
  const asked = readQuery(text, options);
  if (typeof asked === 'string') {
    complain(asked);
    return exitCodes.unusable;
  }
  const answer = await run.listDeliveries(asked.namespace, asked.query);
  if (!answer.ok) return refused(answer);
  const { items, metadata } = answer.value;
  if (items.length === 0) {
    const missing = await whyNone(run, asked);
    if (missing !== undefined) return refused(missing);
  }
  if (printValue(format, answer.value)) return exitCodes.ok;
  if (format === 'name') {
    process.stdout.write(items.map((item) => `delivery/${item.metadata.name}\n`).join(''));
    return exitCodes.ok;
  }
  if (items.length === 0) complain(`no ${options.dead === true ? 'dead letters' : 'deliveries'} of this kind are kept`);
  else {
    const wide = format === 'wide';
    const width = wide ? 'wide' : process.stdout.isTTY ? 'terminal' : 'whole';
    const rows = items.map((item) => deliveryRow(item, Date.now(), width));
    process.stdout.write(formatTable(wide ? wideDeliveryHeader : deliveryHeader, rows));
  }
  if (metadata.continue !== undefined) complain(`there are more: --continue ${metadata.continue}`);
  return exitCodes.ok;
}

interface Asked {
  readonly namespace?: string;
  readonly query: Query;
  readonly subject?: SubjectName;
}

/** Set: nobody has the name, and nothing of it is left. */
async function whyNone(run: RunClient, { namespace, query, subject }: Asked): Promise<Refusal | undefined> {
  if (subject === undefined) return undefined;
  const missing = await whyMissing(run, subject);
  if (missing === undefined || Object.keys(query).length === 1) return missing;
  const any = await run.listDeliveries(namespace, { [subject.kind]: subject.name, limit: '1' });
  return any.ok && (any.value['items'] as readonly unknown[]).length > 0 ? undefined : missing;
}

function readQuery(text: string | undefined, options: DeliveriesOptions): Asked | string {
  const { namespace, allNamespaces, dead, state, trigger, id, limit } = options;
  if (allNamespaces === true && (text !== undefined || namespace !== undefined)) {
    return '-A is for all namespaces: leave the name and -n out';
  }
  if (dead === true && state !== undefined) return '--dead is a state of its own: leave --state out';
  const span = readSpan(options, Date.now());
  if (typeof span === 'string') return span;
  const query: Record<string, string> = { ...span };
  const more = options.continue;
  for (const [name, value] of Object.entries({ state, trigger, id, limit, continue: more })) {
    if (value !== undefined) query[name] = value;
  }
  if (dead === true) Object.assign(query, { state: 'dead', latest: 'true' });
  if (text === undefined) return { ...(namespace === undefined ? {} : { namespace }), query };
  const subject = readSubject(text, namespace);
  if (typeof subject === 'string') return subject;
  return { namespace: subject.namespace, query: { ...query, [subject.kind]: subject.name }, subject };
}
