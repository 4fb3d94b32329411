/** Writes the reference of the command line from the definitions of its verbs. */
import type { Argument, Command, Option } from 'commander';
import { createProgram } from '../src/cli/create-program.ts';
import { runRule } from '../src/cli/choose-run.ts';
import { exitCodeMeanings } from '../src/cli/exit-codes.ts';

const program = await createProgram();

/** `docs/reference/cli.md`. */
export function generateCliDocs(): ReadonlyMap<string, string> {
  return new Map([['docs/reference/cli.md', page()]]);
}

function page(): string {
  const parts = [
    '# The `moonhook` command',
    '<!-- Generated from src/cli by `npm run generate`: change the definitions there. -->',
    'Everywhere a function is `NAMESPACE/NAME`, or `NAME` with `-n NAMESPACE` (default: `default`). A subscription is `whs/NAME`; where an id may stand as well, a function is `whf/NAME`. `-o json` prints for machines; on a terminal, control characters in foreign text are shown escaped. A local run is asked with its start-up token, which is found in the data directory: `--data-dir`, else the environment variable `MOONHOOK_DATA_DIR`, else the nearest `.moonhook` from the current folder upwards. The token is used only if it belongs to the user and nobody else may read it.',
    '## Which run',
    runRule,
    '## Exit codes',
    table(
      ['code', 'meaning'],
      exitCodeMeanings.map(([code, meaning]) => [String(code), meaning]),
    ),
    ...program.commands.flatMap((command) => [
      verb(command),
      ...command.commands.map((part) => verb(part, command.name())),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** `parent`: the verb whose part this is. */
function verb(command: Command, parent?: string): string {
  const name = parent === undefined ? command.name() : `${parent} ${command.name()}`;
  const parts = [
    `${parent === undefined ? '##' : '###'} ${name}`,
    sentence(command.description()),
    `\`moonhook ${name} ${command.usage()}\``,
  ];
  const given: readonly Argument[] = command.registeredArguments;
  const rows = [
    ...given.map((argument) => [
      `\`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}\``,
      argument.description,
    ]),
    ...command.options.map((option) => [`\`${option.flags}\``, describe(option)]),
  ];
  if (rows.length > 0) parts.push(table(['argument or option', 'meaning'], rows));
  return parts.join('\n\n');
}

function describe({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
  const fallback = typeof defaultValue === 'string' ? `; default: ${defaultValue}` : '';
  return `${description}${choices}${fallback}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
