/** Where a namespace may mount routes: which host, path and public URL a route of a trigger gets. */
import type { HostGrant, InstallationPolicy } from './installation-policy.ts';

/** A route as the user wrote it. */
export interface WantedRoute {
  /** Relative (`deploy`) or absolute (`/github/deploy`). */
  readonly path: string;
  readonly host?: string;
}

export type Placement =
  | {
      readonly ok: true;
      readonly path: string;
      /** Absent: any host that the installation does not name. */
      readonly host?: string;
      readonly publicUrl: string;
      /** Host of the grant it is mounted under; absent: that of any other host. */
      readonly grant?: string;
      /** True: no other namespace can mount anything on this host. */
      readonly ownsHost: boolean;
    }
  | { readonly ok: false; readonly reason: 'HostNotAllowed'; readonly message: string };

/** First path segments no route may begin with, and no request reaches a route by. */
export const reservedSegments: ReadonlySet<string> = new Set([
  'function',
  'async-function',
  'events',
  'healthz',
  '.well-known',
  '-',
]);

/**
 * The most specific host of the installation's grants that covers a host (or a `*.` pattern of a route); undefined: it
 * falls under "any host". Routes placed under one grant are never reached through a host of another.
 */
export function grantedHost(hosts: Iterable<string>, host: string): string | undefined {
  let best: string | undefined;
  for (const granted of hosts) {
    if (granted === host) return granted;
    const covers = granted.startsWith('*.') && host.endsWith(granted.slice(1)) && host.length >= granted.length;
    if (covers && granted.length > (best?.length ?? 0)) best = granted;
  }
  return best;
}

/** The hosts the installation names in its grants. */
export function namedHosts(policy: InstallationPolicy): ReadonlySet<string> {
  return new Set(policy.hosts.flatMap(({ host }) => (host === undefined ? [] : [host])));
}

/** Mounts a route by the first grant that covers it. */
export function placeRoute(policy: InstallationPolicy, namespace: string, wanted: WantedRoute): Placement {
  const host = wanted.host === undefined ? undefined : normaliseHostName(wanted.host);
  const absolute = wanted.path.startsWith('/');
  for (const grant of policy.hosts) {
    if (grant.namespaces !== '*' && !grant.namespaces.includes(namespace)) continue;
    if (host !== undefined && grantedHost(namedHosts(policy), host) !== grant.host) continue;
    const mount = grant.mount === '/' ? '' : `/${namespace}`;
    if (absolute && mount !== '' && wanted.path !== mount && !wanted.path.startsWith(`${mount}/`)) continue;
    const path = absolute ? wanted.path : `${mount}/${wanted.path}`;
    const mountedHost = host ?? grant.host;
    return {
      ok: true,
      path,
      ...(mountedHost === undefined ? {} : { host: mountedHost }),
      publicUrl: host === undefined || host === grant.host ? grant.publicUrl : withHost(grant.publicUrl, host),
      ...(grant.host === undefined ? {} : { grant: grant.host }),
      ownsHost: ownsHost(policy, grant),
    };
  }
  return { ok: false, reason: 'HostNotAllowed', message: refusal(policy, namespace, wanted) };
}

/** Lower case, without port and trailing dot: hosts are compared in this form. */
export function normaliseHostName(host: string): string {
  const name = host.toLowerCase();
  const withoutPort = name.startsWith('[') ? name.replace(/\]:\d*$/, ']') : name.replace(/:\d*$/, '');
  return withoutPort.endsWith('.') ? withoutPort.slice(0, -1) : withoutPort;
}

function ownsHost(policy: InstallationPolicy, grant: HostGrant): boolean {
  if (policy.singleTenant) return true;
  const [only, ...others] = grant.namespaces === '*' ? [] : grant.namespaces;
  if (grant.host === undefined || grant.mount !== '/' || only === undefined || others.length > 0) return false;
  return policy.hosts.every(
    (other) =>
      other.host !== grant.host || (other.namespaces !== '*' && other.namespaces.every((name) => name === only)),
  );
}

function withHost(publicUrl: string, host: string): string {
  const url = new URL(publicUrl);
  return `${url.protocol}//${host}${url.port === '' ? '' : `:${url.port}`}`;
}

function refusal(policy: InstallationPolicy, namespace: string, wanted: WantedRoute): string {
  const granted = policy.hosts
    .filter(({ namespaces }) => namespaces === '*' || namespaces.includes(namespace))
    .map(({ host, mount }) => `${host ?? 'any host'} below ${mount === '/' ? '/' : `/${namespace}`}`);
  const what = wanted.host === undefined ? `the path ${wanted.path}` : `${wanted.host} with the path ${wanted.path}`;
  if (granted.length === 0)
    return `the installation mounts no routes for namespace ${namespace}: ask its operator for a host`;
  return `the installation does not let namespace ${namespace} use ${what}; it may use ${granted.join(', ')}`;
}
