/** The frame of every resource: version, kind, name, spec, status; `metadata` is the API server's. */
import { isObject } from './is-object.ts';
import { object, text, type Rule, type SchemaNode } from './schema-node.ts';
import { apiVersion } from './types.ts';

/** Names become parts of paths, labels and metrics. */
const nameRule: Rule = {
  cel: "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
  message: 'metadata.name: at most 63 lower case letters, digits and -, beginning and ending with a letter or digit',
  check: (self) =>
    isObject(self.metadata) &&
    typeof self.metadata.name === 'string' &&
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(self.metadata.name),
};

/** A whole document of one of our kinds. */
export function documentSchema(kind: string, description: string, spec: SchemaNode, status: SchemaNode): SchemaNode {
  return object(
    description,
    {
      apiVersion: text(`Version of this schema: ${apiVersion}.`, 64),
      kind: text(`Kind of this document: ${kind}.`, 64),
      // The API server refuses even a description here.
      metadata: { type: 'object' },
      spec,
      status,
    },
    { required: ['spec'], rules: [nameRule] },
  );
}
