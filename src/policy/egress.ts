/** Egress rules: which hosts a function may name and which addresses it may reach. Pure decisions, no sockets. */
import {
  classifyAddress,
  isInBlock,
  parseAddressBlock,
  type AddressBlock,
  type AddressKind,
} from './address-ranges.ts';
import { allowed, refuse, type OutboundVerdict } from './outbound-types.ts';

/** An entry of an allow list: `hooks.slack.com`, `*.example.com`, `203.0.113.0/24`, each with an optional `:port`. */
export type EgressPattern =
  | { readonly kind: 'host'; readonly host: string; readonly port?: number }
  | { readonly kind: 'subdomains'; readonly suffix: string; readonly port?: number }
  | { readonly kind: 'addresses'; readonly block: AddressBlock; readonly port?: number };

/** A target that is not globally reachable and yet opened by the installation. A host grant holds for that name only. */
export interface EgressGrant {
  readonly text: string;
  readonly host?: string;
  readonly block?: AddressBlock;
  /** Undefined: every port. */
  readonly port?: number;
}

/** What the installation allows the functions of a namespace. */
export interface InstallationEgress {
  /** Hosts at most; undefined: every host. */
  readonly ceiling?: readonly EgressPattern[];
  readonly grants: readonly EgressGrant[];
  /** Never reachable although they may be global: API server, nodes, runtimes, database. */
  readonly denied: readonly AddressBlock[];
  /** True on one machine: grants may open loopback. */
  readonly local: boolean;
}

/** What one function may reach. */
export interface EffectiveEgress {
  readonly installation: InstallationEgress;
  /** `spec.egress.allow`, exclusive when present. */
  readonly allow?: readonly EgressPattern[];
}

/** A target of one request: host without brackets and trailing dot, in lower case. */
export interface EgressTarget {
  readonly host: string;
  readonly port: number;
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** Kinds no installation can open in a cluster, and those nobody can open at all. */
const neverInCluster: ReadonlySet<AddressKind> = new Set(['loopback']);
const never: ReadonlySet<AddressKind> = new Set([
  'unspecified',
  'link-local',
  'metadata',
  'multicast',
  'tunnel',
  'reserved',
  'invalid',
]);
/** Kinds that a grant by host name opens for that name. */
const openedByHostGrant: ReadonlySet<AddressKind> = new Set(['loopback', 'private']);

/** Reads an entry of `spec.egress.allow` or of an installation's ceiling. */
export function parseEgressPattern(text: string): Parsed<EgressPattern> {
  const split = splitPort(text);
  if (!split.ok) return split;
  const { name, port } = split.value;
  const withPort = port === undefined ? {} : { port };
  const block = parseAddressBlock(name);
  if (block !== undefined) return { ok: true, value: { kind: 'addresses', block, ...withPort } };
  if (name.startsWith('*.')) {
    const suffix = normaliseHost(name.slice(2));
    if (suffix === undefined || parseAddressBlock(suffix) !== undefined) return badPattern(text);
    return { ok: true, value: { kind: 'subdomains', suffix: `.${suffix}`, ...withPort } };
  }
  const host = normaliseHost(name);
  if (host === undefined) return badPattern(text);
  return { ok: true, value: { kind: 'host', host, ...withPort } };
}

/** Reads an installation's grant (`--egress-allow 127.0.0.1:3000`, `localhost:3000`, `10.0.0.0/8:8080`). */
export function parseEgressGrant(text: string, options: { readonly local: boolean }): Parsed<EgressGrant> {
  const parsed = parseEgressPattern(text);
  if (!parsed.ok) return parsed;
  const pattern = parsed.value;
  const port = pattern.port === undefined ? {} : { port: pattern.port };
  if (pattern.kind === 'subdomains') {
    return { ok: false, message: `"${text}": a grant names one host, an address or a CIDR, no wildcard` };
  }
  if (pattern.kind === 'host') return { ok: true, value: { text, host: pattern.host, ...port } };
  const { kind, range } = classifyAddress(pattern.block.address.toString());
  if (never.has(kind) || (neverInCluster.has(kind) && !options.local)) {
    return { ok: false, message: `"${text}": ${kind} addresses (${range}) can never be granted` };
  }
  return { ok: true, value: { text, block: pattern.block, ...port } };
}

/** Whether the names allow the target: the function's list and the installation's ceiling, by name only. */
export function checkHost(
  egress: EffectiveEgress,
  target: EgressTarget,
  addresses: readonly string[],
): OutboundVerdict {
  if (egress.allow !== undefined && !egress.allow.some((pattern) => matches(pattern, target, addresses))) {
    return refuse('host', `${describeTarget(target)} is not in the function's egress.allow`);
  }
  const { ceiling } = egress.installation;
  if (ceiling !== undefined && !ceiling.some((pattern) => matches(pattern, target, addresses))) {
    return refuse('ceiling', `${describeTarget(target)} is not among the hosts the installation allows`);
  }
  return allowed;
}

/** Whether one address may be reached for a target. A host in a list never opens an address; only a grant does. */
export function checkAddress(egress: EffectiveEgress, target: EgressTarget, address: string): OutboundVerdict {
  const { kind, range, canonical } = classifyAddress(address);
  const { installation } = egress;
  if (installation.denied.some((block) => isInBlock(address, block))) {
    return refuse('address', `${target.host} has an address that the installation keeps for itself`);
  }
  if (kind === 'global') return allowed;
  if (!never.has(kind) && (installation.local || !neverInCluster.has(kind))) {
    if (installation.grants.some((grant) => grants(grant, target, canonical, kind))) return allowed;
  }
  const named =
    target.host === canonical || target.host === address ? target.host : `${target.host} has an address that`;
  const hint =
    installation.local && openedByHostGrant.has(kind) ? `; open it with --egress-allow ${hostAndPort(target)}` : '';
  return refuse('address', `${named} is not globally reachable (${kind}, ${range})${hint}`);
}

function matches(pattern: EgressPattern, target: EgressTarget, addresses: readonly string[]): boolean {
  if (pattern.port !== undefined && pattern.port !== target.port) return false;
  if (pattern.kind === 'host') return target.host === pattern.host;
  if (pattern.kind === 'subdomains') {
    return target.host.endsWith(pattern.suffix) && target.host.length > pattern.suffix.length;
  }
  return addresses.length > 0 && addresses.every((address) => isInBlock(address, pattern.block));
}

function grants(grant: EgressGrant, target: EgressTarget, address: string, kind: AddressKind): boolean {
  if (grant.port !== undefined && grant.port !== target.port) return false;
  if (grant.block !== undefined) return isInBlock(address, grant.block);
  if (grant.host !== target.host) return false;
  return grant.host === 'localhost' ? kind === 'loopback' : openedByHostGrant.has(kind);
}

/** A host as WHATWG URL writes it (lower case, punycode, decimal IPv4), without trailing dot; undefined: not a host. */
export function normaliseHost(text: string): string | undefined {
  if (text === '' || text.length > 253 || /[\s/\\@?#:*[\]]/.test(text)) return undefined;
  try {
    const host = new URL(`http://${text}/`).hostname.replace(/\.$/, '');
    return host === '' || host.endsWith('.') ? undefined : host;
  } catch {
    return undefined;
  }
}

function splitPort(text: string): Parsed<{ readonly name: string; readonly port?: number }> {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+(?:\/[0-9]{1,3})?)\]|(?<plain>[^:[\]]+))(?::(?<port>[0-9]{1,5}))?$/.exec(
    text,
  );
  // An IPv6 address or block without brackets has no port.
  if (match === null)
    return parseAddressBlock(text) === undefined ? badPattern(text) : { ok: true, value: { name: text } };
  const name = match.groups?.['v6'] ?? match.groups?.['plain'] ?? '';
  const port = match.groups?.['port'];
  if (port === undefined) return { ok: true, value: { name } };
  if (Number(port) < 1 || Number(port) > 65_535) return badPattern(text);
  return { ok: true, value: { name, port: Number(port) } };
}

function badPattern(text: string): { readonly ok: false; readonly message: string } {
  return {
    ok: false,
    message: `"${text}" is not an egress entry: write a host (api.example.com), *.example.com, an address or a CIDR, each with an optional :port`,
  };
}

function hostAndPort(target: EgressTarget): string {
  return target.host.includes(':') ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}

function describeTarget(target: EgressTarget): string {
  return target.port === 443 || target.port === 80 ? target.host : hostAndPort(target);
}
