/** Asks a controller which namespaces are gone, and reads its answer. */
import type { LinkClient } from './link/link-client.ts';

const timeoutMs = 30_000;

/** Undefined: no controller could say. */
export async function askForNamespaces(
  uids: readonly string[],
  links: Pick<LinkClient, 'ask'>,
): Promise<readonly string[] | undefined> {
  const answer = await links.ask('namespaces', { uids }, { timeoutMs });
  if (!answer.ok) return undefined;
  const { gone } = (answer.body ?? {}) as Readonly<Record<string, unknown>>;
  return Array.isArray(gone) && gone.every((uid) => typeof uid === 'string') ? gone : undefined;
}
