/** `moonhook describe NS/NAME`: conditions, routes, effective limits and warnings of one function. */
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { formatDiagnostic, type Diagnostic } from '../local/diagnostic.ts';
import { askApi, refused } from './dev-client.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, formatTable, wantsJson } from './output.ts';
import { readTarget } from './target-name.ts';

interface DescribeOptions {
  readonly namespace?: string;
  readonly dataDir?: string;
  readonly output?: string;
}

interface Described {
  readonly namespace: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly generation: number;
  readonly revision: string;
  readonly servingRevision?: string;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly problems: readonly Diagnostic[];
  readonly urls: readonly { readonly trigger: string; readonly url: string }[];
  readonly effective?: Readonly<Record<string, unknown>>;
}

/** Adds the verb to the program. */
export function registerDescribe(program: Command): void {
  program
    .command('describe')
    .description('show one function: conditions, routes, limits with every default, warnings')
    .argument('<function>', 'NAMESPACE/NAME, or NAME')
    .option('-n, --namespace <namespace>', 'namespace of a NAME (default: default)')
    .option('--data-dir <path>', 'data directory of the process')
    .option('-o, --output <format>', 'json')
    .action(async (text: string, options: DescribeOptions) => {
      process.exitCode = await describe(text, options);
    });
}

async function describe(text: string, options: DescribeOptions): Promise<number> {
  const json = wantsJson(options.output);
  const target = readTarget(text, options.namespace);
  if (json === undefined) return exitCodes.unusable;
  if (typeof target === 'string') {
    complain(target);
    return exitCodes.unusable;
  }
  const answer = await askApi(`/functions/${target.namespace}/${target.name}`, options.dataDir);
  if (!answer.ok) return refused(answer);
  process.stdout.write(
    json ? `${JSON.stringify(answer.value, undefined, 2)}\n` : page(answer.value as unknown as Described),
  );
  return exitCodes.ok;
}

function page(described: Described): string {
  const { conditions, problems, urls, effective, servingRevision } = described;
  const facts = [
    ['Name', `${described.namespace}/${described.name}`],
    ['File', `${described.file}:${described.line}`],
    ['Revision', described.revision],
    ...(servingRevision === undefined || servingRevision === described.revision ? [] : [['Serving', servingRevision]]),
    ['Generation', String(described.generation)],
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
  if (problems.length > 0) parts.push(problems.map((problem) => escapeText(formatDiagnostic(problem))).join('\n'));
  if (effective !== undefined) {
    const { limits, env, egress, retryScheduleMs, triggers } = effective;
    parts.push(escapeText(stringify({ effective: { limits, env, egress, retryScheduleMs, triggers } }).trimEnd()));
  }
  return `${parts.join('\n\n')}\n`;
}
