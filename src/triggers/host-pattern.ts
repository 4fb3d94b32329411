/** Hosts of routes: exact names, or `*.example.com` for everything below a domain. */

/** Lower case, without port and final dot; undefined: not a host. */
export function canonicalHost(header: string): string | undefined {
  const lower = header.toLowerCase();
  const bracket = lower.startsWith('[') ? lower.indexOf(']') : 0;
  if (bracket === -1) return undefined;
  const colon = lower.indexOf(':', bracket);
  const port = colon === -1 ? '' : lower.slice(colon + 1);
  if (!/^[0-9]{0,5}$/.test(port)) return undefined;
  let host = colon === -1 ? lower : lower.slice(0, colon);
  if (host.endsWith('.')) host = host.slice(0, -1);
  return /^(\[[0-9a-f:.]+\]|[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*)$/.test(host)
    ? host
    : undefined;
}

/** Whether a host in canonical form is one of the pattern's. */
export function hostMatches(pattern: string, host: string): boolean {
  return pattern.startsWith('*.')
    ? host.length > pattern.length - 1 && host.endsWith(pattern.slice(1))
    : host === pattern;
}

/** Whether some host belongs to both patterns. */
export function hostsOverlap(left: string, right: string): boolean {
  const leftWide = left.startsWith('*.');
  const rightWide = right.startsWith('*.');
  if (leftWide && rightWide) return left.endsWith(right.slice(1)) || right.endsWith(left.slice(1));
  if (leftWide) return hostMatches(left, right);
  return hostMatches(right, left);
}

/** Negative: the left is tried first. Exact hosts, then longer wildcards, then no host. */
export function compareHosts(left: string | undefined, right: string | undefined): number {
  return hostRank(left) - hostRank(right);
}

function hostRank(host: string | undefined): number {
  if (host === undefined) return 1000;
  return host.startsWith('*.') ? 500 - host.length : 0;
}
