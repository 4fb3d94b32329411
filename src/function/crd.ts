/** The CustomResourceDefinitions, made from the schemas. */
import { stringify } from 'yaml';
import type { ReceiverSchemas } from './schema-receivers.ts';
import type { Rule, SchemaNode } from './schema-node.ts';
import { functionSchema } from './schema.ts';
import { subscriptionSchema } from './schema-subscription.ts';

const condition = (type: string, field: 'status' | 'reason'): string =>
  `.status.conditions[?(@.type=="${type}")].${field}`;

/** Columns of `kubectl get whf`; priority 1 shows with `-o wide`. */
const columns = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: condition('Ready', 'status'),
    description: 'Whether the newest revision serves.',
  },
  {
    name: 'Programmed',
    type: 'string',
    jsonPath: '.status.programmed',
    description: 'Runtimes that have it, of all, at the last verdict.',
  },
  { name: 'URL', type: 'string', jsonPath: '.status.url', description: 'Public address of the first HTTP trigger.' },
  {
    name: 'Reason',
    type: 'string',
    priority: 1,
    jsonPath: condition('Ready', 'reason'),
    description: 'Why it is ready or not.',
  },
  {
    name: 'Triggers',
    type: 'string',
    priority: 1,
    jsonPath: '.status.triggerNames',
    description: 'Names of the triggers.',
  },
  {
    name: 'Revision',
    type: 'string',
    priority: 1,
    jsonPath: '.status.revision',
    description: 'What the conditions speak of.',
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since it was created.' },
];

/** Columns of `kubectl get whs`. */
const subscriptionColumns = [
  ...columns.slice(0, 2),
  {
    name: 'Healthy',
    type: 'string',
    jsonPath: condition('Healthy', 'status'),
    description: 'Whether the receiver takes events.',
  },
  {
    name: 'URL',
    type: 'string',
    jsonPath: '.spec.url',
    description: 'Where events are sent; none: the URL stands in a Secret.',
  },
  {
    name: 'Breaker',
    type: 'string',
    priority: 1,
    jsonPath: '.status.breaker',
    description: 'Whether its host is left alone now.',
  },
  ...columns.slice(3, 4),
  ...columns.slice(5),
];

interface Resource {
  readonly kind: string;
  readonly shortName: string;
  readonly columns: readonly object[];
  readonly schema: SchemaNode;
}

/** The CRD of WebhookFunction; `receivers` are all the senders this version knows. */
export function crd(receivers: ReceiverSchemas): Readonly<Record<string, unknown>> {
  return definitionOf({ kind: 'WebhookFunction', shortName: 'whf', columns, schema: functionSchema(receivers) });
}

/** The CRD of WebhookSubscription. */
export function subscriptionCrd(): Readonly<Record<string, unknown>> {
  const schema = subscriptionSchema;
  return definitionOf({ kind: 'WebhookSubscription', shortName: 'whs', columns: subscriptionColumns, schema });
}

function definitionOf({ kind, shortName, columns, schema }: Resource): Readonly<Record<string, unknown>> {
  const singular = kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.moonhook.dev` },
    spec: {
      group: 'moonhook.dev',
      scope: 'Namespaced',
      names: {
        kind,
        listKind: `${kind}List`,
        plural: `${singular}s`,
        singular,
        shortNames: [shortName],
        categories: ['moonhook'],
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          additionalPrinterColumns: columns,
          subresources: { status: {} },
          schema: { openAPIV3Schema: toOpenApi(schema) },
        },
      ],
    },
  };
}

/** The CRD of WebhookFunction as the YAML file in `crds/`. */
export function crdYaml(receivers: ReceiverSchemas): string {
  return yamlOf(crd(receivers), 'src/function/ and src/receivers/');
}

/** The CRD of WebhookSubscription as the YAML file in `crds/`. */
export function subscriptionCrdYaml(): string {
  return yamlOf(subscriptionCrd(), 'src/function/');
}

function yamlOf(definition: object, source: string): string {
  // Without aliases: a file for people and for tools that do not know them.
  const body = stringify(definition, { lineWidth: 0, aliasDuplicateObjects: false });
  return `# Generated from ${source} by \`npm run generate\`; do not edit.\n${body}`;
}

/** A schema of ours as the API server takes it; fields of local files are left out. */
export function toOpenApi(node: SchemaNode): Readonly<Record<string, unknown>> {
  const { rules, localOnly: _localOnly, expected: _expected, properties, items, additionalProperties, ...plain } = node;
  return {
    ...plain,
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties)
              .filter(([, child]) => child.localOnly !== true)
              .map(([name, child]) => [name, toOpenApi(child)]),
          ),
        }),
    ...(items === undefined ? {} : { items: toOpenApi(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: toOpenApi(additionalProperties) }),
    ...(rules === undefined ? {} : { 'x-kubernetes-validations': rules.map(toValidation) }),
  };
}

function toValidation({ cel, message }: Rule): Readonly<Record<string, unknown>> {
  return { rule: cel, message };
}
