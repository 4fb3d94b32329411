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

/**
 * What can be watched or deleted by its name is not told to machinery, which would do it to everything there is: the
 * garbage collector copies all that it may delete and follow, a namespace that ends deletes each of its objects and waits
 * for it, and GitOps tools follow all that can be followed. People and our own command need no telling.
 */
function shown(verbs: readonly string[]): readonly string[] {
  return verbs.filter((verb) => verb !== 'watch' && verb !== 'delete');
}

function list(): readonly unknown[] {
  return resourceCatalogue.flatMap(
    ({ name, singular: singularName, kind, namespaced, verbs, shortNames, subresources = [] }) => [
      {
        name,
        singularName,
        namespaced,
        kind,
        verbs: shown(verbs),
        ...(shortNames === undefined ? {} : { shortNames }),
      },
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
