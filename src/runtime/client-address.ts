/** The address of the client: the socket's, or what trusted proxies say in `X-Forwarded-For`. */
import ipaddr from 'ipaddr.js';

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Answers the client's address for a socket address and the value of `X-Forwarded-For`. */
export type ClientAddress = (socketAddress: string | undefined, forwarded: string | undefined) => string;

function parse(address: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
}

/** Reads one entry of `trustedProxies`; undefined: neither an address nor a range. */
export function parseProxyRange(text: string): Range | undefined {
  if (text.includes('/')) {
    if (!ipaddr.isValidCIDR(text)) return undefined;
    const [address, bits] = ipaddr.parseCIDR(text);
    return [address, bits];
  }
  const address = parse(text);
  return address === undefined ? undefined : [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Whether an address is one of the installation's proxies. Throws as `createClientAddress` does. */
export function createProxyTest(trustedProxies: readonly string[]): (address: string) => boolean {
  const trusted = trustedTest(trustedProxies);
  return (address) => {
    const parsed = trustedProxies.length === 0 ? undefined : parse(address);
    return parsed !== undefined && trusted(parsed);
  };
}

function trustedTest(trustedProxies: readonly string[]): (address: ipaddr.IPv4 | ipaddr.IPv6) => boolean {
  const ranges = trustedProxies.map((text) => {
    const range = parseProxyRange(text);
    if (range === undefined) throw new Error(`trustedProxies: "${text}" is neither an address nor a range`);
    return range;
  });
  return (address) => ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
}

/**
 * The rightmost address that is not a trusted proxy; a value that does not parse ends the search, and the last address
 * that does stands. Throws for a range that does not parse: a typo must not widen or narrow trust silently.
 */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const trusted = trustedTest(trustedProxies);
  return (socketAddress, forwarded) => {
    if (trustedProxies.length === 0 || forwarded === undefined || socketAddress === undefined)
      return socketAddress ?? '';
    let current = parse(socketAddress);
    if (current === undefined || !trusted(current)) return socketAddress;
    for (const entry of forwarded.split(',').toReversed()) {
      const next = parse(entry.trim());
      if (next === undefined) break;
      current = next;
      if (!trusted(next)) break;
    }
    return current.toString();
  };
}

/** What one client has to himself: an IPv4 address, or the 64 bits before the part of an IPv6 address that hosts choose. */
export function networkOf(address: string): string {
  const parsed = parse(address);
  if (parsed?.kind() !== 'ipv6') return parsed?.toString() ?? address;
  return (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':');
}
