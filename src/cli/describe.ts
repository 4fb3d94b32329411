/** `moonhook describe NS/NAME`: conditions, routes, effective limits and warnings of one function; or one delivery. */
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { formatDiagnostic } from '../local/diagnostic.ts';
import { locateId } from './choose-deliveries.ts';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { refused } from './dev-client.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { switchOnHint } from './suspend.ts';
import { bodyLines, type PlainEvent } from './body-lines.ts';
import { complain, formatTable, printLines, printValue, readFormat, type OutputFormat } from './output.ts';
import type { Described } from './run-answers.ts';
import type { RunClient } from './run-client.ts';
import { withShownCalls } from './shown-calls.ts';
import { readId, readSubject } from './subject-name.ts';

interface DescribeOptions extends RunOptions {
  readonly namespace?: string;
  readonly body?: boolean;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerDescribe(program: Command): void {
  withRunOptions(program.command('describe'))
    .description(
      'show one function or subscription with conditions, routes, limits and warnings; or one delivery with its attempts',
    )
    .argument(
      '<subject>',
      'NAMESPACE/NAME, or NAME; a subscription: whs/NAMESPACE/NAME or whs/NAME; a delivery as `deliveries` lists it',
    )
    .option('-n, --namespace <namespace>', 'namespace of a NAME (default: default)')
    .option('--body', 'of a delivery: with the body of its event as its sender sent it')
    .option('-o, --output <format>', 'json or yaml')
    .action(async (text: string, options: DescribeOptions) => {
      process.exitCode = await describe(text, options);
    });
}

async function describe(text: string, given: DescribeOptions): Promise<number> {
  const client = await connectRun(given);
  const options = inScope(given, client, text);
  const format = readFormat(options.output, ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  const id = readId(text);
  if (/^dlv-\d+$/.test(id)) return describeDelivery(client, id, options, format);
  const target = readSubject(text, options.namespace);
  if (typeof target === 'string') {
    complain(target);
    return exitCodes.unusable;
  }
  if (options.body === true) {
    complain('--body goes with a delivery: `moonhook deliveries` lists them as dlv-NUMBER');
    return exitCodes.unusable;
  }
  const answer = await client.describe(target.kind, target.namespace, target.name);
  if (!answer.ok) return refused(answer);
  if (!printValue(format, answer.value)) process.stdout.write(page(answer.value));
  return exitCodes.ok;
}

async function describeDelivery(
  client: RunClient,
  name: string,
  options: DescribeOptions,
  format: OutputFormat,
): Promise<number> {
  const located = await locateId(client, name, options.namespace);
  if (!located.ok) return refused(located);
  const withBody = options.body === true;
  const answer = await client.describeDelivery(located.value.namespace, name, withBody);
  if (!answer.ok) return refused(answer);
  if (printValue(format, withShownCalls(answer.value))) return exitCodes.ok;
  printLines(answer.value['lines'] as readonly string[]);
  if (withBody) printLines(['', ...bodyLines(answer.value['event'] as PlainEvent)]);
  return exitCodes.ok;
}

function page(described: Described): string {
  const { conditions, problems = [], urls, effective, servingRevision } = described;
  const facts = [
    ['Name', `${described.namespace}/${described.name}`],
    ...(described.file === undefined ? [] : [['File', `${described.file}:${described.line}`]]),
    ['Revision', described.revision],
    ...(servingRevision === undefined || servingRevision === described.revision ? [] : [['Serving', servingRevision]]),
    ['Generation', String(described.generation)],
    ...(described.health === undefined ? [] : [['Receiver', describeHealth(described.health, described)]]),
    ...(described.breaker === undefined ? [] : [['Breaker', described.breaker]]),
  ];
  const parts = [
    facts.map(([name = '', value = '']) => `${name.padEnd(12)}${escapeText(value)}`).join('\n'),
    formatTable(
      ['CONDITION', 'STATUS', 'REASON', 'MESSAGE'],
      conditions.map(({ type, status, reason, message }) => [type, status, reason, message]),
    ).trimEnd(),
  ];
  if (urls.length > 0) {
    parts.push(
      formatTable(
        ['TRIGGER', 'URL'],
        urls.map(({ trigger, url }) => [trigger, url]),
      ).trimEnd(),
    );
  }
  const { schedules = [] } = described;
  if (schedules.length > 0) {
    parts.push(
      formatTable(
        ['SCHEDULE', 'CRON', 'NEXT', 'LAST'],
        schedules.map(({ trigger, cron, timeZone, next = '-', last }) => [
          trigger,
          `${cron} ${timeZone}`,
          next,
          last === undefined ? '-' : `${last.time} ${last.outcome}, call ${last.callId}`,
        ]),
      ).trimEnd(),
    );
  }
  if (problems.length > 0) parts.push(problems.map((problem) => escapeText(formatDiagnostic(problem))).join('\n'));
  if (effective !== undefined) {
    parts.push(escapeText(stringify({ effective }).trimEnd()));
  }
  return `${parts.join('\n\n')}\n`;
}

function describeHealth(
  { state = 'Unknown', ...facts }: Readonly<Record<string, string>>,
  { namespace, name }: Pick<Described, 'namespace' | 'name'>,
): string {
  const shown = Object.entries(facts).map(([fact, value]) => `${fact} ${value}`);
  const told = shown.length === 0 ? state : `${state} (${shown.join(', ')})`;
  return state.startsWith('SwitchedOff') ? `${told}; ${switchOnHint(`whs/${namespace}/${name}`)}` : told;
}
