/** `moonhook replay`: runs ended deliveries again, behind live traffic. */
import type { Command } from 'commander';
import { setTimeout as wait } from 'node:timers/promises';
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
import type { Coverage, ReplayState } from './run-answers.ts';
import type { ReplayWish, RunClient } from './run-client.ts';
import { prefixOf, readSubject } from './subject-name.ts';

export interface ReplayOptions extends RunOptions {
  readonly namespace?: string;
  readonly trigger?: string;
  readonly dead?: boolean;
  readonly all?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly to?: string;
  readonly toTrigger?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly generation?: string;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerReplay(program: Command): void {
  withRunOptions(program.command('replay'))
    .description('run ended deliveries again, each to its own destination, behind live traffic')
    .argument('[what]', "a delivery, an event id, a call id or the sender's delivery id; or whf/NAME, whs/NAME")
    .option('-n, --namespace <namespace>', 'namespace of a NAME or of an id; alone, with --dead or --since: all of it')
    .option('--trigger <name>', 'one trigger of the function only')
    .option('--dead', 'only those that died; else dead and cancelled ones')
    .option('--all', 'done and filtered ones as well')
    .option('--since <when>', 'events from then on: 30m, 2h, 7d ago, or a time')
    .option('--until <when>', 'events before then')
    .option('--to <subject>', 'send them to this function or subscription of the namespace instead: whf/NAME, whs/NAME')
    .option('--to-trigger <name>', 'the trigger of that function that takes them')
    .option('--dry-run', 'say what would run again, and do nothing')
    .option('-y, --yes', 'do not ask, however many')
    .option('--generation <number>', 'number of this replay: a repeat with the same one is harmless (default: new)')
    .option('-o, --output <format>', 'json or yaml')
    .addHelpText(
      'after',
      '\nAsks before --all, --to, a whole namespace and more than 1,000 deliveries. Stop it with `moonhook cancel replay/NUMBER`.\nExit codes: 0 they run again, 1 nothing of that id has ended, or it was stopped, 5 nothing of that id is kept.',
    )
    .action(async (text: string | undefined, options: ReplayOptions) => {
      process.exitCode = await replay(text, options);
    });
}

async function replay(text: string | undefined, given: ReplayOptions): Promise<number> {
  const client = await connectRun(given);
  const options = inScope(given, client, text);
  const format = readFormat(options.output, ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  const wish = readWish(options);
  const broad = options.dead === true || options.since !== undefined || options.until !== undefined;
  const what = readWhat(text, options, broad);
  const number = options.generation;
  const problem = [
    wish,
    what,
    number === undefined || /^[1-9][0-9]{0,9}$/.test(number) ? undefined : '--generation takes a whole number',
  ].find((each) => typeof each === 'string');
  if (typeof wish === 'string' || typeof what === 'string' || typeof problem === 'string') {
    complain(String(problem));
    return exitCodes.unusable;
  }
  const found = await chooseDeliveries(client, what, options.namespace);
  if (!found.ok) return refused(found);
  const chosen = found.value;
  if (chosen.breadth !== 'id' && !broad && options.all !== true) {
    complain(`say which of ${chosen.label}: --dead, --since WHEN or --all`);
    return exitCodes.unusable;
  }
  const { namespace, selection } = chosen;
  const goal = readGoal(options, namespace);
  if (typeof goal === 'string') {
    complain(goal);
    return exitCodes.unusable;
  }
  const wanted = { ...selection, ...wish, ...goal };
  const preview = await client.replay(namespace, { ...wanted, dryRun: true });
  if (!preview.ok) return refused(await whyNotChosen(client, chosen, preview));
  const coverage = preview.value;
  // A repeat covers nothing any more, and is answered all the same.
  if (options.dryRun === true || (coverage.count === 0 && number === undefined)) {
    return printCoverage(format, chosen, coverage, options);
  }
  const refusal = await mayGoOn(chosen, coverage, options);
  if (refusal !== undefined) return refusal;
  const chosenNumber = number === undefined ? {} : { generation: Number(number) };
  const started = await client.replay(namespace, { ...wanted, ...chosenNumber });
  if (!started.ok) return refused(started);
  const state = started.value.replay;
  if (state === undefined) return printCoverage(format, chosen, started.value, options);
  return follow(client, namespace, state, coverage, format);
}

/** A text: what is wrong. */
function readWish(options: ReplayOptions): ReplayWish | string {
  const { dead, all, to, toTrigger } = options;
  if (dead === true && all === true) return '--dead and --all exclude each other';
  const span = readSpan(options, Date.now());
  if (typeof span === 'string') return span;
  if (to === undefined && toTrigger !== undefined) return '--to-trigger needs --to whf/NAME';
  return { ...span, ...(dead === true ? { dead } : {}), ...(all === true ? { all } : {}) };
}

/** Where to instead, in the namespace of what runs again; a text: what is wrong. */
function readGoal({ to, toTrigger }: ReplayOptions, namespace: string): Pick<ReplayWish, 'to'> | string {
  if (to === undefined) return {};
  const place = prefixOf(to) === undefined ? to : to.slice(4);
  const target = readSubject(to, place.includes('/') ? undefined : namespace);
  if (typeof target === 'string') return `--to: ${target}`;
  if (target.namespace !== namespace) return `--to ${to}: events stay in their own namespace, ${namespace}`;
  if (target.kind === 'subscription') {
    return toTrigger === undefined ? { to: { subscription: target.name } } : 'a subscription has no triggers';
  }
  return { to: { function: target.name, ...(toTrigger === undefined ? {} : { trigger: toTrigger }) } };
}

/** Set: the exit code of a replay that is not wanted. */
async function mayGoOn(
  { label, breadth }: ChosenDeliveries,
  coverage: Coverage,
  options: ReplayOptions,
): Promise<number | undefined> {
  const { count } = coverage;
  const wide = breadth === 'namespace' || (breadth === 'subject' && options.all === true) || count > manyDeliveries;
  if (options.yes === true || !(wide || (options.to !== undefined && breadth !== 'id'))) return undefined;
  const where = options.to === undefined ? '' : ` at ${options.to}`;
  const answer = await confirm(`Run ${countOf(coverage)} of ${label} again${where}?`);
  if (answer === true) return undefined;
  complain(
    answer === undefined
      ? `that is ${countOf(coverage)} of ${label}: say --yes, or look first with --dry-run`
      : 'nothing was done',
  );
  return answer === undefined ? exitCodes.unusable : exitCodes.failed;
}

function printCoverage(
  format: OutputFormat,
  { namespace, label, breadth }: ChosenDeliveries,
  coverage: Coverage,
  { since, until }: ReplayOptions,
): number {
  const nothing = coverage.count === 0;
  const exitCode = nothing && breadth === 'id' ? exitCodes.failed : exitCodes.ok;
  if (printValue(format, coverage)) return exitCode;
  if (!nothing) {
    printLines([`${countOf(coverage)} would run again:`, ...coverageLines(namespace, coverage.destinations)]);
    return exitCode;
  }
  const { states = {} } = coverage;
  const others = Object.entries(states).map(([state, count]) => `${count} ${state}`);
  const hint = states['done'] !== undefined || states['filtered'] !== undefined ? '; --all runs those again, too' : '';
  // Its next attempt may be hours away, and what it failed of is mended.
  const waits = states['waiting'] === undefined ? '' : '; to run what waits now, cancel it first, then replay it';
  // Without a span, what died is left out only where a replay has followed it.
  const followed =
    states['dead'] !== undefined && since === undefined && until === undefined
      ? `: what died was run again before, see moonhook explain ${label} -n ${namespace}`
      : '';
  const counts = others.length === 0 ? '' : ` (${others.join(', ')}${hint}${waits})`;
  complain(`nothing of ${label} is to run again${counts}${followed}`);
  return exitCode;
}

const patienceMs = 1000;

/** Until every delivery is there; whoever does not want to wait may stop the command, not the replay, at any time. */
async function follow(
  client: RunClient,
  namespace: string,
  started: ReplayState,
  coverage: Coverage,
  format: OutputFormat,
): Promise<number> {
  const began = Date.now();
  let state = started;
  let shown = false;
  while (state.state === 'running') {
    await wait(50);
    const answer = await client.replayStatus(namespace, started.generation);
    if (!answer.ok) return refused(answer);
    state = answer.value;
    if (process.stderr.isTTY && state.state === 'running' && Date.now() - began > patienceMs) {
      process.stderr.write(`\r${state.created} of ${countOf(coverage)}`);
      shown = true;
    }
  }
  if (shown) process.stderr.write('\n');
  if (!printValue(format, { namespace, ...coverage, dryRun: false, replay: state })) {
    const created = state.created === 1 ? '1 delivery runs' : `${state.created} deliveries run`;
    printLines([
      `${created} again as replay ${state.generation}`,
      ...coverageLines(namespace, coverage.destinations),
      `stop it: moonhook cancel replay/${state.generation} -n ${namespace}`,
    ]);
  }
  if (state.state === 'done') return exitCodes.ok;
  complain(state.state === 'cancelled' ? 'it was stopped' : `it stopped: ${state.error ?? 'no reason is known'}`);
  return exitCodes.failed;
}
