/** What the controller's account asked of an API server that no role of the chart grants: judged after each test file. */
import { renderedObjects } from '../chart/render-chart.ts';
import type { AuditLine } from './control-plane.ts';

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Roles that the chart binds to the account, with everything on that asks for more; one is a cluster's own. */
function rulesOf(): readonly Rule[] {
  const roles = renderedObjects({ 'policy.egress': { clusterServices: 'Own' } }).filter(
    ({ kind, metadata }) => kind.endsWith('Role') && /^moonhook-(?:controller|tenant)$/.test(metadata.name),
  );
  const authentication = { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] };
  return [
    ...roles.flatMap(({ rules }) => rules as readonly Rule[]),
    { ...authentication, resourceNames: ['extension-apiserver-authentication'] },
  ];
}

/** Lines as `verb group/resource name`; requests in another account's name are that account's, and what has no object is discovery. */
export function findUngranted(lines: readonly AuditLine[]): readonly string[] {
  const own = lines.filter(
    ({ user, impersonatedUser, objectRef }) =>
      /^system:serviceaccount:[^:]+:moonhook-controller$/.test(user.username) &&
      impersonatedUser === undefined &&
      objectRef?.resource !== undefined,
  );
  if (own.length === 0) return [];
  const rules = rulesOf();
  const found = own.flatMap(({ verb, objectRef = {} }) => {
    const { apiGroup = '', resource = '', subresource, name } = objectRef;
    const path = subresource === undefined ? resource : `${resource}/${subresource}`;
    const granted = rules.some(
      ({ apiGroups = [], resources = [], resourceNames, verbs }) =>
        verbs.includes(verb) &&
        apiGroups.includes(apiGroup) &&
        resources.includes(path) &&
        (resourceNames === undefined || resourceNames.includes(name ?? '')),
    );
    return granted ? [] : [`${verb} ${apiGroup}/${path} ${name ?? ''}`.trimEnd()];
  });
  return [...new Set(found)];
}
