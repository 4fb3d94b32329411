/** Where the controllers are: names of the settings, resolved again and again (a headless Service names every pod). */
import { isIP } from 'node:net';
import type { Address } from './controller-link.ts';

/** All addresses of a name; rejects when it cannot be resolved. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

/** A name that does not resolve now keeps the addresses it had: links that are open need no name. */
export async function resolveControllers(
  names: readonly Address[],
  lookup: Lookup,
  known: ReadonlyMap<string, readonly string[]>,
): Promise<{ readonly byName: ReadonlyMap<string, readonly string[]>; readonly troubles: readonly string[] }> {
  const byName = new Map<string, readonly string[]>();
  const troubles: string[] = [];
  for (const { host } of names) {
    if (byName.has(host)) continue;
    if (isIP(host) !== 0) {
      byName.set(host, [host]);
      continue;
    }
    try {
      const found = await lookup(host);
      // A pod with addresses of both families is one controller: one link to it.
      const family = found[0]?.family;
      byName.set(host, [...new Set(found.filter((each) => each.family === family).map(({ address }) => address))]);
    } catch (error) {
      troubles.push(`${host}: ${(error as Error).message}`);
      byName.set(host, known.get(host) ?? []);
    }
  }
  return { byName, troubles };
}
