/** The reference pages of receivers from the catalogue: what is verified, what is needed, which vectors show it; one page each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { receivers } from '../src/receivers/catalogue.ts';
import { readSamples } from '../src/receivers/read-samples.ts';
import { refusalReasons } from '../src/receivers/reasons.ts';
import type { ReceiverDefinition } from '../src/receivers/types.ts';

interface SecretReference {
  readonly name: string;
  readonly key: string;
}

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

Senders that deliver several events in one request (HubSpot, Mandrill, Meta, Pusher, Salesforce, CloudEvents batches) give an asynchronous
trigger one event for each item, with a name, an id and a duplicate key of its own; a synchronous trigger sees the request as it came.

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
      `[${profile.name}](senders/${profile.name}.md)`,
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

/** One page for each receiver: what to do at the sender, an example, what is verified. */
function page(definition: ReceiverDefinition, kinds: ReadonlyMap<string, string>): string {
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
  const lines = facts.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
  const own = fieldRows(fields, required);
  const steps = (guide.setUp ?? []).map((step, index) => `${index + 1}. ${step}`);
  const parts = [
    `# ${profile.title}\n`,
    `Receiver \`${profile.name}\`. This page is generated from \`src/receivers\`; the other receivers are in [receivers.md](../receivers.md).\n`,
    ...(steps.length === 0 ? [] : ['## At the sender\n', `${steps.join('\n')}\n`]),
    '## Example\n',
    `\`\`\`yaml\n${example(definition)}\`\`\`\n`,
    ...secretSteps(definition),
    tryIt(definition),
    '## What is verified\n',
    table(['', ''], lines),
    ...(own.length === 0 ? [] : ['## Fields\n', table(['Field', 'Required', 'Meaning'], own)]),
    '## Sample\n',
    ...samples(definition),
    `Vectors: ${vectorsOf(definition, kinds)}${guide.interop === undefined ? '' : `; compared with \`${guide.interop}\``}.`,
  ];
  return `${parts.join('\n')}\n`;
}

/** The references of the example: its `secretRefs`, and those in fields of its own. */
function referencesOf({ profile, guide, required, fields, secretFields }: ReceiverDefinition): {
  readonly secretRefs: readonly SecretReference[];
  readonly own: readonly SecretReference[];
} {
  const given = guide.example ?? {};
  const own = (secretFields?.(given) ?? []).map(({ reference }) => reference);
  const named = own.length > 0 || given['jwksUrl'] !== undefined;
  const takesSecrets = required.includes('secretRefs') || ('secretRefs' in fields && !named);
  return { secretRefs: takesSecrets ? [{ name: profile.name.toLowerCase(), key: 'secret' }] : [], own };
}

/** How the Secrets of the example are made, on one machine and in a cluster. */
function secretSteps(definition: ReceiverDefinition): readonly string[] {
  const { secretRefs, own } = referencesOf(definition);
  const all = [...secretRefs, ...own];
  if (all.length === 0) return [];
  const lines = all.map(({ name, key }) => `${name}.${key}=…`);
  const commands = [...Map.groupBy(all, ({ name }) => name)].flatMap(([name, references]) => {
    const files = references.map(({ key }) => `--from-file=${key}=./${key}.txt`).join(' ');
    return [
      `kubectl -n example create secret generic ${name} ${files}`,
      `kubectl -n example label secret ${name} moonhook.dev/functions=true`,
    ];
  });
  return [
    `On one machine, \`moonhook dev . --env-file secrets.env\` takes the value from a file of such lines:\n`,
    `\`\`\`ini\n${lines.join('\n')}\n\`\`\`\n`,
    `In a cluster, from files without a line break at their end:\n`,
    `\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n`,
  ];
}

/** The first request; nobody else can sign for senders that sign with a certificate of theirs. */
function tryIt({ profile, guide, prepare }: ReceiverDefinition): string {
  const judged = `\`moonhook verify CAPTURE --as ${profile.name}\` judges a captured request.`;
  const prepared = prepare(guide.example ?? {});
  if (prepared.ok && prepared.receiver.fetches === true) {
    return `Only the sender can sign: try it with a request of its own. ${judged}\n`;
  }
  const event = readSamples(profile.name)[0]?.event ?? guide.sampleEvent;
  const target = `example/on-${profile.name.toLowerCase()}`;
  const trial = guide.trial === undefined ? '' : `${guide.trial} `;
  return `${trial}Try it with \`moonhook send ${target} --event ${event}\`, and see what became of it with \`moonhook calls\`. The sample keeps its id, so a second one is a duplicate; \`-d @FILE\` sends a body of your own. ${judged}\n`;
}

/** A function with this receiver, as a user would write it. */
function example(definition: ReceiverDefinition): string {
  const { profile, guide } = definition;
  const name = profile.name.toLowerCase();
  const own = guide.example ?? {};
  const references = referencesOf(definition).secretRefs;
  const secretRefs = references.length > 0 ? { secretRefs: references } : {};
  const code =
    profile.defaultMode === 'sync' && guide.setUp === undefined
      ? 'return function(event)\n  return { received = event.name }\nend\n'
      : 'return function(event)\n  log.info("received", { name = event.name, id = event.id })\nend\n';
  return stringify({
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookFunction',
    metadata: { name: `on-${name}`, namespace: 'example' },
    spec: {
      code: guide.exampleCode ?? code,
      triggers: [{ name, http: { path: name, receiver: { [profile.name]: { ...secretRefs, ...own } } } }],
    },
  });
}

function samples({ profile }: ReceiverDefinition): readonly string[] {
  const [sample] = readSamples(profile.name);
  if (sample === undefined || sample.body.length === 0) return ['The body is made by `moonhook send`.\n'];
  const shown = JSON.stringify(JSON.parse(sample.body.toString()), undefined, 2);
  return [`\`${sample.event}\`:\n`, `\`\`\`json\n${shown}\n\`\`\`\n`];
}

function reasons(): string {
  const rows = Object.entries(refusalReasons).map(([reason, cause]) => [`\`${reason}\``, cause]);
  return `## Why a request is refused\n\n${table(['Reason', 'Cause'], rows)}`;
}

/** `docs/reference/receivers.md` and `docs/reference/senders/`. */
export function generateReceiverDocs(): ReadonlyMap<string, string> {
  const file = join(import.meta.dirname, '..', 'test', 'vectors', 'receivers.json');
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly VectorKind[];
  const kinds = new Map(vectors.map(({ id, kind }) => [id, kind]));
  return new Map([
    ['docs/reference/receivers.md', [intro, overview(kinds), reasons()].join('\n')],
    ...[...receivers.values()].map(
      (definition) => [`docs/reference/senders/${definition.profile.name}.md`, page(definition, kinds)] as const,
    ),
  ]);
}
