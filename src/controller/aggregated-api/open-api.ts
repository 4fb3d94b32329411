/** What `kubectl explain` reads: OpenAPI v3 of the API, made of its catalogue. Pure. */
import { createHash } from 'node:crypto';
import { apiGroup, apiVersionName, runVersion } from './read-path.ts';
import { resourceCatalogue, type ResourceEntry } from './resource-catalogue.ts';

const path = `/openapi/v3/apis/${runVersion}`;
const metadata = { type: 'object', description: "Standard object's metadata.", additionalProperties: true };

function schemaOf({ kind, description, fields }: ResourceEntry): unknown {
  const own = Object.entries(fields).map(([name, text]) => [
    name,
    { description: text, 'x-kubernetes-preserve-unknown-fields': true },
  ]);
  return {
    type: 'object',
    description,
    properties: {
      apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
      kind: { type: 'string', description: 'What this object is.' },
      metadata,
      ...Object.fromEntries(own),
    },
    'x-kubernetes-group-version-kind': [{ group: apiGroup, kind, version: apiVersionName }],
    'x-kubernetes-preserve-unknown-fields': true,
  };
}

/** kubectl finds a schema by the operation that lists its kind. */
function pathOf({ name, kind, namespaced, verbs }: ResourceEntry): readonly [string, unknown] {
  const action = verbs.includes('list') ? 'list' : 'post';
  const operation = {
    operationId: `${action}${kind}`,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group: apiGroup, kind, version: apiVersionName },
    responses: { '200': { description: 'OK' } },
  };
  const place = namespaced ? `/apis/${runVersion}/namespaces/{namespace}/${name}` : `/apis/${runVersion}/${name}`;
  return [place, { [action === 'list' ? 'get' : 'post']: operation }];
}

const info = { title: 'Moonhook', version: apiVersionName };
const document = {
  openapi: '3.0.0',
  info,
  paths: Object.fromEntries(resourceCatalogue.map(pathOf)),
  components: {
    schemas: Object.fromEntries(
      resourceCatalogue.map((entry) => [`dev.moonhook.run.${apiVersionName}.${entry.kind}`, schemaOf(entry)]),
    ),
  },
};
const hash = createHash('sha256').update(JSON.stringify(document)).digest('hex').toUpperCase();

/** Documents by path. */
export const openApiDocuments: Readonly<Record<string, unknown>> = {
  '/openapi/v3': { paths: { [`apis/${runVersion}`]: { serverRelativeURL: `${path}?hash=${hash}` } } },
  [path]: document,
  // The API server merges it into its own; the newer form says all there is to say.
  '/openapi/v2': { swagger: '2.0', info, paths: {}, definitions: {} },
};
