/** `moonhook receivers`: the senders that are known, and what each needs. */
import type { Command } from 'commander';
import { receivers } from '../receivers/catalogue.ts';
import type { ReceiverDefinition } from '../receivers/types.ts';

/** Adds the verb to the program. */
export function registerReceivers(program: Command): void {
  program
    .command('receivers')
    .description('list the senders that are known and what each needs')
    .argument('[name]', 'one receiver, with its fields')
    .option('-o, --output <format>', 'json')
    .action((name: string | undefined, options: { readonly output?: string }) => {
      process.exitCode = show(name, options.output);
    });
}

function show(name: string | undefined, output: string | undefined): number {
  const chosen = name === undefined ? [...receivers.values()] : [receivers.get(name)];
  const found = chosen.filter((definition) => definition !== undefined);
  if (found.length === 0) {
    process.stderr.write(
      `moonhook: there is no receiver "${name ?? ''}"; known are ${[...receivers.keys()].join(', ')}\n`,
    );
    return 2;
  }
  if (output !== undefined && output !== 'json') {
    process.stderr.write('moonhook: --output knows json only\n');
    return 2;
  }
  if (output === 'json') {
    const all = found.map(describe);
    process.stdout.write(`${JSON.stringify(name === undefined ? all : all[0], undefined, 2)}\n`);
  } else process.stdout.write(name === undefined ? table(found) : page(found[0] as ReceiverDefinition));
  return 0;
}

function describe({ profile, guide, fields, required }: ReceiverDefinition): Readonly<Record<string, unknown>> {
  const { acknowledgement, credentialHeaders, credentialQuery, ...facts } = profile;
  return { ...facts, ...guide, required, fields, acknowledgement, credentialHeaders, credentialQuery };
}

function needs({ profile, required }: ReceiverDefinition): string {
  const own = required.filter((field) => field !== 'secretRefs');
  const secrets = profile.secretsRequired === 0 ? [] : [profile.secretsRequired === 1 ? 'a secret' : 'secrets'];
  return [...secrets, ...own].join(', ') || 'nothing';
}

function table(definitions: readonly ReceiverDefinition[]): string {
  const rows = definitions.map((definition) => [
    definition.profile.name,
    definition.profile.title,
    needs(definition),
    definition.profile.defaultMode,
    definition.guide.scheme.replaceAll('`', ''),
  ]);
  const all = [['NAME', 'SENDER', 'NEEDS', 'MODE', 'VERIFIED BY'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function page(definition: ReceiverDefinition): string {
  const { profile, guide, fields, required } = definition;
  const lines = [
    `${profile.name}: ${profile.title}`,
    `  secret       ${guide.secret}`,
    `  verified by  ${guide.scheme}`,
    `  handshake    ${guide.handshake ?? 'none'}`,
    `  replay       ${guide.replay}`,
    `  event        ${guide.event}`,
    `  delivery id  ${guide.id ?? 'none'}`,
    `  mode         ${profile.defaultMode}`,
    ...(profile.answerBudgetMs === undefined ? [] : [`  answer in    ${profile.answerBudgetMs / 1000} s`]),
    `  page         ${profile.documentation}`,
  ];
  for (const [field, schema] of Object.entries(fields)) {
    const description = (schema as { readonly description?: string }).description ?? '';
    lines.push(`  field        ${field}${required.includes(field) ? ' (required)' : ''}: ${description}`);
  }
  return `${lines.map((line) => line.replaceAll('`', '')).join('\n')}\n`;
}
