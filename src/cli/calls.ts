/** `moonhook calls` and `moonhook logs`: what was called and how it ended, now or as it happens. */
import type { Command } from 'commander';
import { callHeader, callRow, callWidths, logLines, wideCallHeader, type PlainCall } from './call-lines.ts';
import { askApi, askApiRaw, readLines, refused, type Refusal } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import {
  complain,
  createColumns,
  formatTable,
  printLines,
  printValue,
  readFormat,
  type OutputFormat,
} from './output.ts';
import { readSubject } from './subject-name.ts';

interface CallsOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly trigger?: string;
  readonly outcome?: string;
  readonly limit?: string;
  readonly follow?: boolean;
  readonly running?: boolean;
  readonly dataDir?: string;
  readonly output?: string;
}

/** Answers the lines of one call; rows of a stream know their columns. */
type Printer = (call: PlainCall) => readonly string[];

const callFormats = ['json', 'yaml', 'wide', 'name'] as const;

function withOptions(command: Command, formats: string): Command {
  return command
    .argument('[subject]', 'a function NAMESPACE/NAME, NAME or whf/NAME; a subscription whs/NAME (default: all)')
    .option('-n, --namespace <namespace>', 'namespace of a NAME; alone: all of it')
    .option('-A, --all-namespaces', 'of all namespaces: the default without a subject and -n')
    .option('--trigger <name>', 'one trigger only')
    .option('--outcome <names>', 'one or more outcomes, joined by commas: error,timeout')
    .option('--limit <count>', 'at most so many calls, the newest (default: 100)')
    .option('-f, --follow', 'go on and print what comes')
    .option('--data-dir <path>', 'data directory of the process')
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

async function run(text: string | undefined, options: CallsOptions, table: boolean): Promise<number> {
  const format = readFormat(options.output, table ? callFormats : ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  const query = readQuery(text, options);
  if (typeof query === 'string') {
    complain(query);
    return exitCodes.unusable;
  }
  // A call that wrote nothing must not take the place of one that did.
  if (!table) query.set('logged', 'true');
  const wide = format === 'wide';
  if (options.follow === true) {
    if (format === 'yaml') {
      complain('--follow prints json, one line each, not yaml');
      return exitCodes.unusable;
    }
    const gone = await whyGone(query, options.dataDir);
    if (gone !== undefined) return refused(gone);
    return follow(query, options.dataDir, format, table);
  }
  const answer = await askApi(`/calls?${query.toString()}`, options.dataDir);
  if (!answer.ok) return refused(answer);
  const calls = answer.value['calls'] as readonly PlainCall[];
  const gone = calls.length === 0 ? await whyGone(query, options.dataDir) : undefined;
  if (gone !== undefined) return refused(gone);
  if (printValue(format, calls)) return exitCodes.ok;
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

function readQuery(text: string | undefined, options: CallsOptions): URLSearchParams | string {
  const query = new URLSearchParams();
  const { namespace, allNamespaces, running } = options;
  if (running === true) {
    const other = (['trigger', 'outcome', 'follow'] as const).find((name) => options[name] !== undefined);
    if (other !== undefined) return `--running knows no --${other}: leave it out`;
    if (text?.startsWith('whs/') === true)
      return '--running tells of functions: for a subscription see `deliveries --state leased`';
    query.set('running', 'true');
  }
  if (allNamespaces === true && (text !== undefined || namespace !== undefined)) {
    return '-A is for all namespaces: leave the name and -n out';
  }
  if (text !== undefined) {
    const subject = readSubject(text, namespace);
    if (typeof subject === 'string') return subject;
    query.set('namespace', subject.namespace);
    query.set(subject.kind === 'function' ? 'name' : 'subscription', subject.name);
  } else if (namespace !== undefined) query.set('namespace', namespace);
  for (const name of ['trigger', 'outcome', 'limit'] as const) {
    const value = options[name];
    if (value !== undefined) query.set(name, value);
  }
  return query;
}

/** Set: the query names a function or a subscription, and there is none of that name. */
async function whyGone(query: URLSearchParams, dataDirectory: string | undefined): Promise<Refusal | undefined> {
  const kind = query.has('subscription') ? 'subscriptions' : 'functions';
  const name = query.get('subscription') ?? query.get('name');
  if (name === null) return undefined;
  const answer = await askApi(`/${kind}/${query.get('namespace') ?? ''}/${name}`, dataDirectory);
  return answer.ok ? undefined : answer;
}

async function follow(
  query: URLSearchParams,
  dataDirectory: string | undefined,
  format: OutputFormat,
  table: boolean,
): Promise<number> {
  query.set('follow', 'true');
  const print = format === 'json' ? jsonLine : !table ? logLines : followPrinter(format);
  const stop = new AbortController();
  process.once('SIGINT', () => {
    stop.abort();
  });
  const answer = await askApiRaw(`/calls?${query.toString()}`, dataDirectory, { signal: stop.signal });
  if (!answer.ok) return refused(answer);
  try {
    for await (const call of readLines(answer.value)) {
      for (const line of print(call as unknown as PlainCall)) process.stdout.write(`${line}\n`);
    }
  } catch (error) {
    if (stop.signal.aborted) return exitCodes.ok;
    complain(`the connection to \`moonhook dev\` broke: ${error instanceof Error ? error.message : String(error)}`);
    return exitCodes.notRunning;
  }
  return exitCodes.ok;
}

const jsonLine: Printer = (call) => [JSON.stringify(call)];

/** Rows under a header, in columns that stay where they are until something wider comes. */
function followPrinter(format: OutputFormat): Printer {
  if (format === 'name') return ({ callId }) => [`call/${callId}`];
  const wide = format === 'wide';
  const columns = createColumns(wide ? wideCallHeader : callHeader, callWidths);
  process.stdout.write(`${columns.header}\n`);
  return (call) => [columns.row(callRow(call, wide))];
}
