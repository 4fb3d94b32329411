/** The schema as files are checked with it: unknown fields are refused, and `metadata` is spelt out. */
import { labelPattern } from './schema-parts.ts';
import type { SchemaNode } from './schema-node.ts';
import { apiVersion } from './types.ts';

/** JSON schema for ajv. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Schema nodes by document path with names left out of lists: how a mistake finds what is said about its field. */
export function localSchema(root: SchemaNode, kind: string): SchemaNode {
  return {
    ...root,
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: {
      ...root.properties,
      apiVersion: { ...root.properties?.apiVersion, enum: [apiVersion] },
      kind: { ...root.properties?.kind, enum: [kind] },
      metadata,
      // A document copied from a cluster has one; it says nothing here.
      status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  };
}

const ignored: SchemaNode = { 'x-kubernetes-preserve-unknown-fields': true };

const texts: SchemaNode = { type: 'object', additionalProperties: { type: 'string' } };

/** ObjectMeta: what the API server fills in is accepted from copied documents and not read. */
const metadata: SchemaNode = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1 },
    namespace: {
      type: 'string',
      minLength: 1,
      maxLength: 63,
      pattern: labelPattern,
      expected: 'a namespace: lower case letters, digits and -',
    },
    labels: texts,
    annotations: texts,
    uid: ignored,
    generation: ignored,
    resourceVersion: ignored,
    creationTimestamp: ignored,
    deletionTimestamp: ignored,
    deletionGracePeriodSeconds: ignored,
    finalizers: ignored,
    generateName: ignored,
    managedFields: ignored,
    ownerReferences: ignored,
    selfLink: ignored,
  },
};

/** Turns a schema of ours into plain JSON schema. */
export function toJsonSchema(node: SchemaNode): JsonSchema {
  const {
    rules: _rules,
    localOnly: _localOnly,
    expected: _expected,
    description: _description,
    default: _default,
    format: _format,
    properties,
    items,
    additionalProperties,
    'x-kubernetes-int-or-string': intOrString,
    'x-kubernetes-preserve-unknown-fields': open,
    'x-kubernetes-list-type': listType,
    'x-kubernetes-list-map-keys': _keys,
    'x-kubernetes-map-type': _mapType,
    ...plain
  } = node;
  const schema: Record<string, unknown> = { ...plain };
  if (intOrString === true) schema.type = ['integer', 'string'];
  if (properties) {
    schema.properties = Object.fromEntries(
      Object.entries(properties).map(([name, child]) => [name, toJsonSchema(child)]),
    );
    if (open !== true) schema.additionalProperties = false;
  }
  if (items) schema.items = toJsonSchema(items);
  if (additionalProperties) schema.additionalProperties = toJsonSchema(additionalProperties);
  if (listType === 'set') schema.uniqueItems = true;
  return schema;
}
