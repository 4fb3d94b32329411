/** The reference page of receivers from the catalogue: what is verified, what is needed, which vectors show it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { receivers } from '../src/receivers/catalogue.ts';
import { refusalReasons } from '../src/receivers/reasons.ts';
import type { ReceiverDefinition } from '../src/receivers/types.ts';

interface VectorKind {
  readonly id: string;
  readonly kind: string;
}

interface FieldSchema {
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
}

const intro = `# Receivers

A receiver says who may call an HTTP trigger and how that is proved. \`receiver\` holds exactly one of the names below; \`secretRefs\` names
keys of Secrets in the function's namespace: all of them verify, so two can be in place while one replaces the other, and the first one signs
what \`moonhook send\` makes. \`events\` lists the events that run: a name covers what is below it (\`pull_request\` covers
\`pull_request.opened\`), a final \`*\` stands for the rest of a name; other events are answered as accepted and run nothing.

Everything is verified on the bytes as they arrived, before anything is parsed, in constant time. A missing or unusable secret closes the
trigger with 503; a secret under 16 bytes does too, unless the installation allows weak secrets. A request that does not verify is answered
401 without a reason; the reason is in its call record (\`moonhook explain\`). \`moonhook verify\` judges a captured request.

This page is generated from the catalogue in \`src/receivers\`.
`;

/** Text in a table cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return `${[line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

function duration(milliseconds: number): string {
  if (milliseconds >= 3_600_000) return `${milliseconds / 3_600_000} h`;
  return milliseconds >= 60_000 ? `${milliseconds / 60_000} min` : `${milliseconds / 1000} s`;
}

function duplicatesOf({ profile, guide }: ReceiverDefinition): string {
  if (profile.duplicateBy === 'none') return 'none';
  if (profile.duplicateBy === 'body') return 'hash of the body';
  return guide.id ?? 'delivery id';
}

function vectorsOf({ guide }: ReceiverDefinition, kinds: ReadonlyMap<string, string>): string {
  const counts = new Map<string, number>();
  for (const id of guide.vectors) {
    const kind = kinds.get(id) ?? 'unknown';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
}

function overview(kinds: ReadonlyMap<string, string>): string {
  const rows = [...receivers.values()].map((definition) => {
    const { profile, guide } = definition;
    return [
      `[${profile.name}](#${profile.name.toLowerCase()})`,
      guide.handshake === undefined ? '' : 'yes',
      guide.scheme,
      guide.replay,
      duplicatesOf(definition),
      String(profile.acknowledgement.status),
      vectorsOf(definition, kinds),
      guide.interop === undefined ? '' : `\`${guide.interop}\``,
    ];
  });
  return table(
    ['Receiver', 'Handshake', 'Verified by', 'Against replays', 'Duplicates by', 'Answer', 'Vectors', 'Compared with'],
    rows,
  );
}

/** Fields with those inside them: `signature.header`. */
function fieldRows(
  fields: Readonly<Record<string, unknown>>,
  required: readonly string[],
  prefix = '',
): readonly (readonly string[])[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const schema = value as FieldSchema;
    const choices =
      schema.enum === undefined ? '' : ` One of ${schema.enum.map((choice) => `\`${choice}\``).join(', ')}.`;
    const row = [`\`${prefix}${name}\``, required.includes(name) ? 'yes' : '', `${schema.description ?? ''}${choices}`];
    return [row, ...fieldRows(schema.properties ?? {}, schema.required ?? [], `${prefix}${name}.`)];
  });
}

function section(definition: ReceiverDefinition): string {
  const { profile, guide, fields, required } = definition;
  const facts: (readonly [string, string | undefined])[] = [
    ['Secret', guide.secret],
    ['Verified by', guide.scheme],
    ['Handshake', guide.handshake],
    ['Against replays', guide.replay],
    ['Event', guide.event],
    ['Delivery id', guide.id],
    ['Mode', `\`${profile.defaultMode}\` unless the trigger says otherwise`],
    ['Answer expected in', profile.answerBudgetMs === undefined ? undefined : duration(profile.answerBudgetMs)],
    ['Repeats by itself', profile.defaultMode === 'async' ? (profile.retriesByItself ? 'yes' : 'no') : undefined],
    ['Duplicates kept', profile.duplicateWindowMs === undefined ? undefined : duration(profile.duplicateWindowMs)],
    ['Source', `<${profile.documentation}>`],
  ];
  const lines = facts.flatMap(([name, text]) => (text === undefined ? [] : [`- ${name}: ${text}`]));
  const own = fieldRows(fields, required);
  const fieldTable = own.length === 0 ? '' : `\n${table(['Field', 'Required', 'Meaning'], own)}`;
  return `## ${profile.name}\n\n${profile.title}.\n\n${lines.join('\n')}\n${fieldTable}`;
}

function reasons(): string {
  const rows = Object.entries(refusalReasons).map(([reason, cause]) => [`\`${reason}\``, cause]);
  return `## Why a request is refused\n\n${table(['Reason', 'Cause'], rows)}`;
}

/** `docs/reference/receivers.md`. */
export function generateReceiverDocs(): ReadonlyMap<string, string> {
  const file = join(import.meta.dirname, '..', 'test', 'vectors', 'receivers.json');
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly VectorKind[];
  const kinds = new Map(vectors.map(({ id, kind }) => [id, kind]));
  const sections = [...receivers.values()].map(section);
  return new Map([['docs/reference/receivers.md', [intro, overview(kinds), ...sections, reasons()].join('\n')]]);
}
