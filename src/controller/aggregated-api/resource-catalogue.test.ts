/** What discovery promises, and what is answered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discoveryDocuments } from './discovery.ts';
import { handlers } from './handlers.ts';
import { openApiDocuments } from './open-api.ts';
import { runVersion } from './read-path.ts';
import { resourceCatalogue } from './resource-catalogue.ts';

test('every resource and verb that discovery lists has its handler, and no other has one', () => {
  const promised = resourceCatalogue.flatMap(({ name, verbs, subresources = [] }) => [
    ...verbs.map((verb) => `${verb} ${name}`),
    ...subresources.flatMap((sub) => sub.verbs.map((verb) => `${verb} ${name}/${sub.name}`)),
  ]);
  const kept = Object.entries(handlers).flatMap(([path, each]) => Object.keys(each).map((verb) => `${verb} ${path}`));
  assert.deepEqual(kept.toSorted(), promised.toSorted());
});

test('discovery and OpenAPI name the same kinds', () => {
  const listed = discoveryDocuments[`/apis/${runVersion}`] as {
    readonly resources: readonly { readonly name: string; readonly kind: string }[];
  };
  const document = openApiDocuments[`/openapi/v3/apis/${runVersion}`] as {
    readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
  };
  const kinds = listed.resources.filter(({ name }) => !name.includes('/')).map(({ kind }) => kind);
  assert.deepEqual(
    Object.keys(document.components.schemas).map((name) => name.split('.').at(-1)),
    kinds,
  );
});
