/** Turns a host into addresses: absolute names only, a short cache, one lookup per name at a time. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { LookupShares } from './share-lookups.ts';

/** Answers every address of an absolute host name (without trailing dot), or rejects. */
export type Resolve = (host: string) => Promise<readonly string[]>;

const cacheMs = 5_000;
const cacheEntries = 1_000;

/** The system's resolver, asked with a trailing dot so that no search domain is ever appended. */
export const resolveBySystem: Resolve = async (host) => {
  // RFC 6761 §6.3: these names are loopback and are not asked of anybody.
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1', '::1'];
  const answers = await lookup(`${host}.`, { all: true, order: 'verbatim' });
  return answers.map((answer) => answer.address);
};

/** On behalf of a namespace. */
export type ResolveFor = (host: string, namespaceUid: string) => Promise<readonly string[]>;

/** Keeps answers for five seconds; failures are not kept. IP addresses answer themselves. */
export function createCachingResolve(resolve: Resolve, now: () => number, shares: LookupShares): ResolveFor {
  const cache = new Map<string, { readonly until: number; readonly addresses: Promise<readonly string[]> }>();
  return (host, namespaceUid) => {
    if (isIP(host) !== 0) return Promise.resolve([host]);
    const known = cache.get(host);
    if (known !== undefined && known.until > now()) return known.addresses;
    cache.delete(host);
    const addresses = shares.run(namespaceUid, () => resolve(host));
    const entry = { until: now() + cacheMs, addresses };
    cache.set(host, entry);
    addresses.catch(() => {
      if (cache.get(host) === entry) cache.delete(host);
    });
    if (cache.size > cacheEntries) {
      const oldest = cache.keys().next();
      if (!oldest.done) cache.delete(oldest.value);
    }
    return addresses;
  };
}
