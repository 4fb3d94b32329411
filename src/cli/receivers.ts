/** `moonhook receivers`: the senders that are known, and what each needs. */
import type { Command } from 'commander';
import { didYouMean } from '../function/suggest.ts';
import { receivers } from '../receivers/catalogue.ts';
import type { ReceiverDefinition } from '../receivers/types.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, formatTable, wantsJson } from './output.ts';

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
    const names = [...receivers.keys()];
    complain(
      `there is no receiver "${name ?? ''}"; ${didYouMean(name ?? '', names) ?? `known are ${names.join(', ')}`}`,
    );
    return exitCodes.unusable;
  }
  const json = wantsJson(output);
  if (json === undefined) return exitCodes.unusable;
  if (json) {
    const all = found.map(describe);
    process.stdout.write(`${JSON.stringify(name === undefined ? all : all[0], undefined, 2)}\n`);
  } else process.stdout.write(name === undefined ? table(found) : page(found[0] as ReceiverDefinition));
  return exitCodes.ok;
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
  return formatTable(['NAME', 'SENDER', 'NEEDS', 'MODE', 'VERIFIED BY'], rows);
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
