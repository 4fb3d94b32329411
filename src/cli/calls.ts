/** `moonhook calls` and `moonhook logs`: what was called and how it ended, now or as it happens. */
import type { Command } from 'commander';
import { callHeader, callLine, callRow, logLines, type PlainCall } from './call-lines.ts';
import { askApi, askApiRaw, readLines, refused, type Refusal } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, formatTable, wantsJson } from './output.ts';
import { readTarget } from './target-name.ts';

interface CallsOptions {
  readonly namespace?: string;
  readonly trigger?: string;
  readonly outcome?: string;
  readonly limit?: string;
  readonly follow?: boolean;
  readonly dataDir?: string;
  readonly output?: string;
}

type Printer = (call: PlainCall) => readonly string[];

function withOptions(command: Command): Command {
  return command
    .argument('[function]', 'NAMESPACE/NAME, or NAME (default: all)')
    .option('-n, --namespace <namespace>', 'namespace of a NAME; alone: all functions of it')
    .option('--trigger <name>', 'one trigger only')
    .option('--outcome <names>', 'one or more outcomes, joined by commas: error,timeout')
    .option('--limit <count>', 'at most so many calls, the newest (default: 100)')
    .option('-f, --follow', 'go on and print what comes')
    .option('--data-dir <path>', 'data directory of the process')
    .option('-o, --output <format>', 'json (one line each with --follow)');
}

/** Adds `calls` to the program. */
export function registerCalls(program: Command): void {
  withOptions(program.command('calls').description('list calls, the newest first, with how they ended')).action(
    async (text: string | undefined, options: CallsOptions) => {
      process.exitCode = await run(text, options, (call) => [callLine(call)], true);
    },
  );
}

/** Adds `logs` to the program. */
export function registerLogs(program: Command): void {
  withOptions(program.command('logs').description('print what functions logged and the errors they ended with')).action(
    async (text: string | undefined, options: CallsOptions) => {
      process.exitCode = await run(text, options, logLines, false);
    },
  );
}

async function run(text: string | undefined, options: CallsOptions, print: Printer, table: boolean): Promise<number> {
  const json = wantsJson(options.output);
  if (json === undefined) return exitCodes.unusable;
  const query = new URLSearchParams();
  if (text !== undefined) {
    const target = readTarget(text, options.namespace);
    if (typeof target === 'string') {
      complain(target);
      return exitCodes.unusable;
    }
    query.set('namespace', target.namespace);
    query.set('name', target.name);
  } else if (options.namespace !== undefined) query.set('namespace', options.namespace);
  for (const name of ['trigger', 'outcome', 'limit'] as const) {
    const value = options[name];
    if (value !== undefined) query.set(name, value);
  }
  // A call that wrote nothing must not take the place of one that did.
  if (!table) query.set('logged', 'true');
  if (options.follow === true) {
    const gone = await whyGone(query, options.dataDir);
    if (gone !== undefined) return refused(gone);
    if (table && !json) process.stdout.write(`${callHeader.join('  ')}\n`);
    return follow(query, options.dataDir, json, print);
  }
  const answer = await askApi(`/calls?${query.toString()}`, options.dataDir);
  if (!answer.ok) return refused(answer);
  const calls = answer.value['calls'] as readonly PlainCall[];
  // What a function did that is gone by now is shown; a name that never was is a slip.
  const gone = calls.length === 0 ? await whyGone(query, options.dataDir) : undefined;
  if (gone !== undefined) return refused(gone);
  if (json) process.stdout.write(`${JSON.stringify(calls, undefined, 2)}\n`);
  else if (calls.length === 0) {
    complain(`no ${table ? 'calls' : 'log lines or errors'} of this kind since \`moonhook dev\` started`);
  } else if (table) process.stdout.write(formatTable(callHeader, calls.map(callRow)));
  // A log is read from its beginning.
  else for (const call of calls.toReversed()) for (const line of print(call)) process.stdout.write(`${line}\n`);
  return exitCodes.ok;
}

/** Set: the query names a function, and there is none of that name. */
async function whyGone(query: URLSearchParams, dataDirectory: string | undefined): Promise<Refusal | undefined> {
  const name = query.get('name');
  if (name === null) return undefined;
  const answer = await askApi(`/functions/${query.get('namespace') ?? ''}/${name}`, dataDirectory);
  return answer.ok ? undefined : answer;
}

async function follow(
  query: URLSearchParams,
  dataDirectory: string | undefined,
  json: boolean,
  print: Printer,
): Promise<number> {
  query.set('follow', 'true');
  const stop = new AbortController();
  process.once('SIGINT', () => {
    stop.abort();
  });
  const answer = await askApiRaw(`/calls?${query.toString()}`, dataDirectory, { signal: stop.signal });
  if (!answer.ok) return refused(answer);
  try {
    for await (const call of readLines(answer.value)) {
      const lines = json ? [JSON.stringify(call)] : print(call as unknown as PlainCall);
      for (const line of lines) process.stdout.write(`${line}\n`);
    }
  } catch (error) {
    if (stop.signal.aborted) return exitCodes.ok;
    complain(`the connection to \`moonhook dev\` broke: ${error instanceof Error ? error.message : String(error)}`);
    return exitCodes.notRunning;
  }
  return exitCodes.ok;
}
