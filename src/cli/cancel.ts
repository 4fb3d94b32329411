/** `moonhook cancel`: ends what waits, a replay with what of it waits, or the keeping of dead letters. */
import type { Command } from 'commander';
import {
  chooseDeliveries,
  manyDeliveries,
  readWhat,
  whyNotChosen,
  type ChosenDeliveries,
} from './choose-deliveries.ts';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { confirm } from './confirm.ts';
import { countOf, coverageLines } from './delivery-lines.ts';
import { refused } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, printLines, printValue, readFormat, type OutputFormat } from './output.ts';
import { readSpan } from './read-when.ts';
import type { Coverage } from './run-answers.ts';
import type { RunClient } from './run-client.ts';

interface CancelOptions extends RunOptions {
  readonly namespace?: string;
  readonly trigger?: string;
  readonly all?: boolean;
  readonly dead?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerCancel(program: Command): void {
  withRunOptions(program.command('cancel'))
    .description(
      'end what waits: one event or delivery, what waits for a function, or a whole replay; it can be replayed',
    )
    .argument(
      '[what]',
      "a delivery, an event id, a call id or the sender's delivery id; or whf/NAME, whs/NAME; or replay/NUMBER",
    )
    .option('-n, --namespace <namespace>', 'namespace of a NAME, an id or a replay; alone, with --all: all of it')
    .option('--trigger <name>', 'one trigger of the function only')
    .option('--all', 'everything that waits in the namespace of -n')
    .option(
      '--dead',
      'discard dead letters instead: they are not listed as dead any more; alone, all of the namespace of -n',
    )
    .option('--since <when>', 'events from then on: 30m, 2h, 7d ago, or a time')
    .option('--until <when>', 'events before then')
    .option('--dry-run', 'say what would be cancelled, and do nothing')
    .option('-y, --yes', 'do not ask, however many')
    .option('-o, --output <format>', 'json or yaml')
    .addHelpText(
      'after',
      '\nWhat runs goes on. Asks before a whole namespace and more than 1,000 deliveries.\nExit codes: 0 cancelled, 1 nothing of that id waits (or is dead), 5 nothing of that id is kept.',
    )
    .action(async (text: string | undefined, options: CancelOptions) => {
      process.exitCode = await cancel(text, options);
    });
}

const replayPrefix = 'replay/';

async function cancel(text: string | undefined, given: CancelOptions): Promise<number> {
  const client = await connectRun(given);
  const options = inScope(given, client, text);
  const format = readFormat(options.output, ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  const unusable = (message: string): number => {
    complain(message);
    return exitCodes.unusable;
  };
  if (text?.startsWith(replayPrefix) === true) {
    return cancelReplay(client, text.slice(replayPrefix.length), options, format);
  }
  const span = readSpan(options, Date.now());
  if (typeof span === 'string') return unusable(span);
  const what = readWhat(text, options, text === undefined && (options.all === true || options.dead === true));
  if (typeof what === 'string') return unusable(what);
  const found = await chooseDeliveries(client, what, options.namespace);
  if (!found.ok) return refused(found);
  const chosen = found.value;
  const { namespace, selection, label, breadth } = chosen;
  const dead = options.dead === true;
  const wish = { ...selection, ...span, ...(dead ? { dead } : {}) };
  const preview = await client.cancel(namespace, { ...wish, dryRun: true });
  if (!preview.ok) return refused(await whyNotChosen(client, chosen, preview));
  const coverage = preview.value;
  if (options.dryRun === true || coverage.count === 0) return print(format, chosen, coverage, dead, 'would be ');
  if (options.yes !== true && (breadth === 'namespace' || coverage.count > manyDeliveries)) {
    const count = countOf(coverage);
    const answer = await confirm(`${dead ? 'Discard' : 'Cancel'} ${count} of ${label}?`);
    if (answer === undefined) return unusable(`that is ${count} of ${label}: say --yes, or look first with --dry-run`);
    if (!answer) {
      complain('nothing was done');
      return exitCodes.failed;
    }
  }
  const done = await client.cancel(namespace, wish);
  return done.ok ? print(format, chosen, done.value, dead) : refused(done);
}

function print(
  format: OutputFormat,
  { namespace, label, breadth }: ChosenDeliveries,
  coverage: Coverage,
  dead: boolean,
  before = '',
): number {
  const { count, running = 0, states = {}, destinations } = coverage;
  const exitCode = count === 0 && breadth === 'id' ? exitCodes.failed : exitCodes.ok;
  if (printValue(format, coverage)) return exitCode;
  const goesOn =
    running === 0 || dead
      ? ''
      : `; ${running} ${running === 1 ? 'runs' : 'run'} now and ${running === 1 ? 'goes' : 'go'} on`;
  if (count === 0) {
    const others = Object.entries(states).map(([state, each]) => `${each} ${state}`);
    complain(
      `nothing of ${label} ${dead ? 'is dead' : 'waits'}${others.length === 0 ? '' : ` (${others.join(', ')})`}${goesOn}`,
    );
    return exitCode;
  }
  printLines([
    `${countOf(coverage)} ${before}${dead ? 'discarded' : 'cancelled'}${goesOn}`,
    ...coverageLines(
      namespace,
      destinations.map(({ to, count: each }) => ({ to, count: each })),
    ),
  ]);
  return exitCode;
}

async function cancelReplay(
  client: RunClient,
  number: string,
  { namespace, dryRun }: CancelOptions,
  format: OutputFormat,
): Promise<number> {
  const unusable = (problem: string): number => {
    complain(problem);
    return exitCodes.unusable;
  };
  if (!/^[1-9][0-9]{0,9}$/.test(number)) return unusable('a replay is replay/NUMBER, as `moonhook replay` printed it');
  if (namespace === undefined) return unusable('say in which namespace the replay is: -n NAMESPACE');
  if (dryRun === true) return unusable('a replay is stopped or not: leave --dry-run out');
  const answer = await client.cancelReplay(namespace, Number(number));
  if (!answer.ok) return refused(answer);
  if (printValue(format, answer.value)) return exitCodes.ok;
  const count = Number(answer.value['count']);
  printLines([`replay ${number} is stopped: ${count} ${count === 1 ? 'delivery' : 'deliveries'} cancelled`]);
  return exitCodes.ok;
}
