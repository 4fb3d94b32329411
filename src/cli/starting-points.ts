/** What a new function can be started from: the templates of `moonhook new`, and one for each receiver of the catalogue. */
import { randomUUID } from 'node:crypto';
import { stringify } from 'yaml';
import { compareTexts } from '../function/compare-texts.ts';
import type { StartingPoint } from '../console/editing-source.ts';
import { receivers } from '../receivers/catalogue.ts';
import { readSamples } from '../receivers/read-samples.ts';
import type { ReceiverDefinition, SecretField } from '../receivers/types.ts';
import { newSecret } from './secret-placeholder.ts';
import { templates } from './templates.ts';

/** A Secret that a new function names, and a value for it; absent: only its owner has one. */
export interface NewSecret {
  readonly name: string;
  readonly key: string;
  readonly value?: string;
}

export interface NewFunction {
  readonly yaml: string;
  readonly secrets: readonly NewSecret[];
}

const kinds: Readonly<Record<string, { readonly title: string; readonly trigger: StartingPoint['trigger'] }>> = {
  api: { title: 'JSON API', trigger: 'http' },
  schedule: { title: 'Schedule', trigger: 'schedule' },
  event: { title: 'Published event', trigger: 'event' },
  pod: { title: 'Change of a Pod', trigger: 'kubernetes' },
};

/** General ones first, then the senders by their titles. */
export function startingPoints(): readonly StartingPoint[] {
  const general = Object.entries(kinds).map(([key, { title, trigger }]) => ({
    key,
    title,
    trigger,
    group: 'kind' as const,
    description: templates[key]?.description ?? '',
    setUp: [],
  }));
  const all = [...receivers.values()].map(ofReceiver);
  return [
    ...general,
    ...all.filter(({ group }) => group === 'proof'),
    ...all.filter(({ group }) => group === 'sender').toSorted((one, other) => compareTexts(one.title, other.title)),
  ];
}

function ofReceiver(definition: ReceiverDefinition): StartingPoint {
  const { profile, guide } = definition;
  const references = referencesOf(definition, 'x');
  return {
    key: `receiver:${profile.name}`,
    group: guide.setUp === undefined ? 'proof' : 'sender',
    title: profile.title,
    trigger: 'http',
    description: guide.scheme,
    setUp: guide.setUp ?? [],
    ...(references.length === 0 ? {} : { secret: { about: guide.secret, generated: canGenerate(definition) } }),
  };
}

/** Undefined: there is no such starting point. `given`: a secret that the sender gave out, instead of a new one. */
export function newFunction(key: string, name: string, given: string | undefined): NewFunction | undefined {
  const [, receiver] = /^receiver:(.+)$/.exec(key) ?? [];
  if (receiver === undefined) {
    const template = Object.hasOwn(kinds, key) ? templates[key] : undefined;
    return template === undefined ? undefined : { yaml: template.text(name), secrets: [] };
  }
  const definition = receivers.get(receiver);
  if (definition === undefined) return undefined;
  const generated = canGenerate(definition);
  const secrets = referencesOf(definition, name).map(({ reference }, index) => {
    const value = index === 0 && given !== undefined ? given : generated ? newSecret(receiver) : undefined;
    return { ...reference, ...(value === undefined ? {} : { value }) };
  });
  return { yaml: textOf(definition, name), secrets };
}

/** Fields of the receiver with the function's own Secret in every reference. */
function fieldsOf({ profile, guide, required, fields, secretFields }: ReceiverDefinition, name: string): object {
  const example = renamed(guide.example ?? {}, name) as Readonly<Record<string, unknown>>;
  const named = (secretFields?.(example) ?? []).length > 0 || example['jwksUrl'] !== undefined;
  const takes = profile.secretsRequired > 0 || required.includes('secretRefs') || ('secretRefs' in fields && !named);
  return { ...(takes ? { secretRefs: [{ name, key: 'secret' }] } : {}), ...example };
}

function referencesOf(definition: ReceiverDefinition, name: string): readonly SecretField[] {
  const fields = fieldsOf(definition, name) as Readonly<Record<string, unknown>>;
  const listed = (fields['secretRefs'] ?? []) as readonly SecretField['reference'][];
  return [
    ...listed.map((reference, index) => ({ path: `secretRefs[${index}]`, reference })),
    ...(definition.secretFields?.(fields) ?? []),
  ];
}

/** The examples of the catalogue name Secrets of their own. */
function renamed(value: unknown, name: string, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => renamed(each, name, key));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([member, each]) => [member, renamed(each, name, member)] as const);
  return { ...Object.fromEntries(members), ...(/Refs?$/.test(key) && 'key' in value ? { name } : {}) };
}

/** Whether any text can be the secret: keys of which only the sender has the other half cannot be made up. */
function canGenerate(definition: ReceiverDefinition): boolean {
  const { profile, guide, sign, secretFields } = definition;
  const fields = guide.example ?? {};
  const secret = Buffer.from(newSecret(profile.name));
  const named = new Map((secretFields?.(fields) ?? []).map(({ path }) => [path, secret]));
  const body = readSamples(profile.name)[0]?.body ?? Buffer.from('{}');
  const tools = { now: () => Date.now(), newId: () => randomUUID() };
  try {
    sign(guide.sampleEvent, body, 'https://hooks.example.com/x', fields, { secrets: [secret], named }, tools);
    return true;
  } catch {
    return false;
  }
}

function textOf(definition: ReceiverDefinition, name: string): string {
  const { profile, guide } = definition;
  const trigger = profile.name.toLowerCase();
  const answers = profile.defaultMode === 'sync' && guide.setUp === undefined;
  const code =
    guide.exampleCode ??
    `-- Runs for each verified request of ${profile.title}. What it sent is in event.data.
return function(event)
  log.info("received", { event = event.name, id = event.id })
${answers ? '  return { json = { received = event.name } }\n' : ''}end
`;
  return stringify(
    {
      apiVersion: 'moonhook.dev/v1alpha1',
      kind: 'WebhookFunction',
      metadata: { name },
      spec: {
        code,
        triggers: [{ name: trigger, http: { path: name, receiver: { [profile.name]: fieldsOf(definition, name) } } }],
      },
    },
    { lineWidth: 0 },
  );
}
