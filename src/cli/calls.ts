/** `moonhook calls` and `moonhook logs`: what was called and how it ended, now or as it happens. */
import type { Command } from 'commander';
import { callHeader, callRow, callWidths, logLines, wideCallHeader, type PlainCall } from './call-lines.ts';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { refused, type Refusal } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { whyMissing } from './missing-subject.ts';
import {
  complain,
  createColumns,
  formatTable,
  printLines,
  printValue,
  readFormat,
  type OutputFormat,
} from './output.ts';
import type { CallQuery, RunClient } from './run-client.ts';
import { shownCall } from './shown-calls.ts';
import { readSubject } from './subject-name.ts';

interface CallsOptions extends RunOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly trigger?: string;
  readonly outcome?: string;
  readonly limit?: string;
  readonly follow?: boolean;
  readonly running?: boolean;
  readonly output?: string;
}

/** Answers the lines of one call; rows of a stream know their columns. */
type Printer = (call: PlainCall) => readonly string[];

const callFormats = ['json', 'yaml', 'wide', 'name'] as const;

function withOptions(command: Command, formats: string): Command {
  return withRunOptions(command)
    .argument('[subject]', 'a function NAMESPACE/NAME, NAME or whf/NAME; a subscription whs/NAME (default: all)')
    .option('-n, --namespace <namespace>', 'namespace of a NAME; alone: all of it')
    .option('-A, --all-namespaces', 'of all namespaces: the default without a subject and -n')
    .option('--trigger <name>', 'one trigger only')
    .option('--outcome <names>', 'one or more outcomes, joined by commas: error,timeout')
    .option('--limit <count>', 'at most so many calls, the newest (default: 100)')
    .option('-f, --follow', 'go on and print what comes')
    .option('-o, --output <format>', formats);
}

/** Adds `calls` to the program. */
export function registerCalls(program: Command): void {
  withOptions(
    program.command('calls').description('list calls, the newest first, with how they ended'),
    'json (one line each with --follow), yaml, wide or name',
  )
    .option('--running', 'those that have not ended: what waits for something, and what takes long; the oldest first')
    .action(async (text: string | undefined, options: CallsOptions) => {
      process.exitCode = await run(text, options, true);
    });
}

/** Adds `logs` to the program. */
export function registerLogs(program: Command): void {
  withOptions(
    program.command('logs').description('print what functions logged and the errors they ended with'),
    'json (one line each with --follow) or yaml',
  ).action(async (text: string | undefined, options: CallsOptions) => {
    process.exitCode = await run(text, options, false);
  });
}

async function run(text: string | undefined, given: CallsOptions, table: boolean): Promise<number> {
  const client = await connectRun(given);
  const options = inScope(given, client, text);
  const format = readFormat(options.output, table ? callFormats : ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  const query = readQuery(text, options);
  if (typeof query === 'string') {
    complain(query);
    return exitCodes.unusable;
  }
  // A call that wrote nothing must not take the place of one that did.
  const asked: CallQuery = table ? query : { ...query, logged: 'true' };
  const wide = format === 'wide';
  if (options.follow === true) {
    if (format === 'yaml') {
      complain('--follow prints json, one line each, not yaml');
      return exitCodes.unusable;
    }
    const gone = await whyGone(client, asked);
    if (gone !== undefined) return refused(gone);
    return follow(client, asked, format, table);
  }
  const answer = await client.listCalls(asked);
  if (!answer.ok) return refused(answer);
  const calls = answer.value;
  const gone = calls.length === 0 ? await whyGone(client, asked) : undefined;
  if (gone !== undefined) return refused(gone);
  if (printValue(format, calls.map(shownCall))) return exitCodes.ok;
  if (format === 'name') printLines(calls.map(({ callId }) => `call/${callId}`));
  else if (calls.length === 0) {
    complain(
      options.running === true
        ? 'no call waits or takes its time now'
        : `no ${table ? 'calls' : 'log lines or errors'} of this kind are kept`,
    );
  } else if (table) {
    const rows = calls.map((call) => callRow(call, wide));
    process.stdout.write(formatTable(wide ? wideCallHeader : callHeader, rows));
  }
  // A log is read from its beginning.
  else for (const call of calls.toReversed()) for (const line of logLines(call)) process.stdout.write(`${line}\n`);
  return exitCodes.ok;
}

function readQuery(text: string | undefined, options: CallsOptions): CallQuery | string {
  const query: Record<string, string> = {};
  const { namespace, allNamespaces, running } = options;
  if (running === true) {
    const other = (['trigger', 'outcome', 'follow'] as const).find((name) => options[name] !== undefined);
    if (other !== undefined) return `--running knows no --${other}: leave it out`;
    if (text?.startsWith('whs/') === true)
      return '--running tells of functions: for a subscription see `deliveries --state leased`';
    query['running'] = 'true';
  }
  if (allNamespaces === true && (text !== undefined || namespace !== undefined)) {
    return '-A is for all namespaces: leave the name and -n out';
  }
  if (text !== undefined) {
    const subject = readSubject(text, namespace);
    if (typeof subject === 'string') return subject;
    query['namespace'] = subject.namespace;
    query[subject.kind === 'function' ? 'name' : 'subscription'] = subject.name;
  } else if (namespace !== undefined) query['namespace'] = namespace;
  for (const name of ['trigger', 'outcome', 'limit'] as const) {
    const value = options[name];
    if (value !== undefined) query[name] = value;
  }
  return query;
}

/** Set: the query names a function or a subscription, and there is none of that name. */
async function whyGone(
  client: RunClient,
  { namespace = '', name, subscription }: CallQuery,
): Promise<Refusal | undefined> {
  if (subscription !== undefined) return whyMissing(client, { kind: 'subscription', namespace, name: subscription });
  return name === undefined ? undefined : whyMissing(client, { kind: 'function', namespace, name });
}

async function follow(client: RunClient, query: CallQuery, format: OutputFormat, table: boolean): Promise<number> {
  const print = format === 'json' ? jsonLine : !table ? logLines : followPrinter(format);
  const stop = new AbortController();
  process.once('SIGINT', () => {
    stop.abort();
  });
  const answer = await client.followCalls(query, stop.signal);
  if (!answer.ok) return refused(answer);
  try {
    for await (const call of answer.value) {
      for (const line of print(call)) process.stdout.write(`${line}\n`);
    }
  } catch (error) {
    if (stop.signal.aborted) return exitCodes.ok;
    complain(`the connection to ${client.label} broke: ${error instanceof Error ? error.message : String(error)}`);
    return exitCodes.notRunning;
  }
  return exitCodes.ok;
}

const jsonLine: Printer = (call) => [JSON.stringify(shownCall(call))];

/** Rows under a header, in columns that stay where they are until something wider comes. */
function followPrinter(format: OutputFormat): Printer {
  if (format === 'name') return ({ callId }) => [`call/${callId}`];
  const wide = format === 'wide';
  const columns = createColumns(wide ? wideCallHeader : callHeader, callWidths);
  process.stdout.write(`${columns.header}\n`);
  return (call) => [columns.row(callRow(call, wide))];
}
