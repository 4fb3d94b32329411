/** What forms are made of, from the schema that files and the API server are checked by and the catalogue of senders. */
import { functionSchema } from '../function/schema.ts';
import type { SchemaNode } from '../function/schema-node.ts';
import { receivers } from '../receivers/catalogue.ts';
import { readSamples } from '../receivers/read-samples.ts';
import type { ReceiverDefinition } from '../receivers/types.ts';
import type { FormField, FormKit, SenderRow } from './editing-source.ts';

export function formKit(): FormKit {
  const { spec } = functionSchema(receivers).properties ?? {};
  if (spec === undefined) throw new Error('the schema has no spec');
  return {
    spec: fieldOf(spec),
    senders: [...receivers.values()].map(senderOf),
    timeZones: ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')],
  };
}

function fieldOf(node: SchemaNode): FormField {
  const { properties, additionalProperties, items, required, pattern, expected, maxLength, minimum, maximum } = node;
  return {
    type: typeOf(node),
    description: node.description ?? '',
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, fieldOf(each)])),
        }),
    ...(additionalProperties === undefined ? {} : { values: fieldOf(additionalProperties) }),
    ...(items === undefined ? {} : { items: fieldOf(items) }),
    ...(required === undefined ? {} : { required }),
    ...(node.enum === undefined ? {} : { choices: node.enum.map(String) }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(expected === undefined ? {} : { expected }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}

function typeOf(node: SchemaNode): FormField['type'] {
  if (node['x-kubernetes-int-or-string'] === true) return 'size';
  if (node['x-kubernetes-preserve-unknown-fields'] === true) return 'any';
  return node.type ?? 'any';
}

function senderOf({ profile, guide, required }: ReceiverDefinition): SenderRow {
  const withSecrets = profile.secretsRequired > 0 || required.includes('secretRefs');
  return {
    name: profile.name,
    title: profile.title,
    vendor: guide.setUp !== undefined,
    documentation: profile.documentation,
    scheme: guide.scheme,
    ...(withSecrets ? { secret: guide.secret } : {}),
    setUp: guide.setUp ?? [],
    defaultMode: profile.defaultMode,
    example: guide.example ?? {},
    events: readSamples(profile.name).map(({ event }) => event),
  };
}
