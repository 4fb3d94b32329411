/** Discovery documents of the API: which groups, versions and resources there are. Pure. */
import { apiGroup, apiVersionName, runVersion } from './read-path.ts';
import { resourceCatalogue } from './resource-catalogue.ts';

const version = { groupVersion: runVersion, version: apiVersionName };

/** Documents by path. */
export const discoveryDocuments: Readonly<Record<string, unknown>> = {
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [apiGroupDocument()] },
  [`/apis/${apiGroup}`]: apiGroupDocument(),
  [`/apis/${runVersion}`]: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: runVersion, resources: list() },
};

function apiGroupDocument(): unknown {
  return { kind: 'APIGroup', apiVersion: 'v1', name: apiGroup, versions: [version], preferredVersion: version };
}

function list(): readonly unknown[] {
  return resourceCatalogue.flatMap(
    ({ name, singular: singularName, kind, namespaced, verbs, shortNames, subresources = [] }) => [
      { name, singularName, namespaced, kind, verbs, ...(shortNames === undefined ? {} : { shortNames }) },
      ...subresources.map((sub) => ({
        name: `${name}/${sub.name}`,
        singularName: '',
        namespaced,
        kind: sub.kind,
        verbs: sub.verbs,
      })),
    ],
  );
}
