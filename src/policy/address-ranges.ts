/**
 * Which IP addresses are globally reachable, by the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its
 * updates) plus multicast. An address that embeds an IPv4 address is judged by that one.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type AddressKind =
  | 'global'
  | 'unspecified'
  | 'loopback'
  | 'link-local'
  | 'metadata'
  | 'private'
  | 'carrier'
  | 'multicast'
  | 'documentation'
  | 'reserved'
  | 'tunnel'
  | 'invalid';

export interface ClassifiedAddress {
  readonly kind: AddressKind;
  /** The range that decided, for messages: `10.0.0.0/8`. */
  readonly range: string;
  /** The canonical address; an IPv4-mapped or translated one as its IPv4 address. */
  readonly canonical: string;
}

type Range = readonly [cidr: string, kind: AddressKind];

/** Addresses of cloud metadata services outside 169.254.0.0/16. */
const metadataRanges: readonly Range[] = [
  ['169.254.169.254/32', 'metadata'],
  ['169.254.170.2/32', 'metadata'],
  ['169.254.170.23/32', 'metadata'],
  ['100.100.100.200/32', 'metadata'],
  ['168.63.129.16/32', 'metadata'],
  ['192.0.0.192/32', 'metadata'],
  ['fd00:ec2::254/128', 'metadata'],
  ['fd00:ec2::23/128', 'metadata'],
  ['fd20:ce::254/128', 'metadata'],
];

/** IANA IPv4 Special-Purpose Address Registry; the few global entries (AS112, AMT) are not listed. */
const ipv4Ranges: readonly Range[] = [
  ['0.0.0.0/8', 'unspecified'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', 'tunnel'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'reserved'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
];

/** IANA IPv6 Special-Purpose Address Registry inside 2000::/3, and names for what lies outside of it. */
const ipv6Ranges: readonly Range[] = [
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['64:ff9b:1::/48', 'tunnel'],
  ['100::/64', 'reserved'],
  ['100:0:0:1::/64', 'reserved'],
  ['2001::/23', 'tunnel'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', 'tunnel'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'reserved'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'private'],
  ['ff00::/8', 'multicast'],
];

type Parsed = ReturnType<typeof ipaddr.parse>;

interface CompiledRange {
  readonly address: Parsed;
  readonly bits: number;
  readonly kind: AddressKind;
  readonly range: string;
}

const compiled: readonly CompiledRange[] = [...metadataRanges, ...ipv4Ranges, ...ipv6Ranges].map(([range, kind]) => {
  const [address, bits] = ipaddr.parseCIDR(range);
  return { address, bits, kind, range };
});

/** Prefixes whose last 32 bits are an IPv4 address that is reached in the end (RFC 4291 §2.5.5.2, RFC 6052 §2.1). */
const embedding = (['::ffff:0:0/96', '64:ff9b::/96'] as const).map((cidr) => ipaddr.parseCIDR(cidr));

/** A block of addresses as `10.0.0.0/8` or one address; undefined: not one. */
export interface AddressBlock {
  readonly address: Parsed;
  readonly bits: number;
}

/** Parses an address in its usual written form; names, odd number forms and zone ids answer undefined. */
function parseAddress(text: string): Parsed | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined;
  const address = ipaddr.parse(hexOnly(text));
  if (address.kind() === 'ipv6' && embedding.some(([block, bits]) => address.match(block, bits))) {
    return ipaddr.fromByteArray(address.toByteArray().slice(12));
  }
  return address;
}

/** Parses `10.0.0.0/8`, `::1/128` or a single address. */
export function parseAddressBlock(text: string): AddressBlock | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const width = address.kind() === 'ipv4' ? 32 : 128;
  if (slash < 0) return { address, bits: width };
  const suffix = text.slice(slash + 1);
  if (!/^[0-9]{1,3}$/.test(suffix) || Number(suffix) > width) return undefined;
  return { address, bits: Number(suffix) };
}

/** Whether an address lies in a block, both after unwrapping embedded IPv4. */
export function isInBlock(text: string, block: AddressBlock): boolean {
  const address = parseAddress(text);
  return address !== undefined && address.kind() === block.address.kind() && address.match(block.address, block.bits);
}

/** Says what an address is; everything that is not globally reachable names its range. */
export function classifyAddress(text: string): ClassifiedAddress {
  const address = parseAddress(text);
  if (address === undefined) return { kind: 'invalid', range: text, canonical: text };
  const canonical = address.toString();
  for (const entry of compiled) {
    if (entry.address.kind() === address.kind() && address.match(entry.address, entry.bits)) {
      return { kind: entry.kind, range: entry.range, canonical };
    }
  }
  // Only 2000::/3 is assigned as global unicast; everything else is refused before IANA gives it a meaning.
  if (address.kind() === 'ipv6' && (address.toByteArray()[0] ?? 0) >> 5 !== 1) {
    return { kind: 'reserved', range: 'outside 2000::/3', canonical };
  }
  return { kind: 'global', range: canonical, canonical };
}

/** One spelling per address: shortest form, an IPv4-mapped address (as dual-stack sockets report it) as IPv4. */
export function comparableAddress(text: string): string {
  return isIP(text) === 0 || text.includes('%') ? text : ipaddr.process(hexOnly(text)).toString();
}

/** An IPv6 address without a dotted part: ipaddr.js reads `::1.2.3.4` as IPv4-mapped, which it is not. */
function hexOnly(text: string): string {
  return text.includes(':') && text.includes('.') ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text;
}
