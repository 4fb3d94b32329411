/** Puts secrets that come as a plain list (a command line) where a receiver expects them. */
import type { ReceiverDefinition, ReceiverSecrets } from './types.ts';

/**
 * Receivers with `secretRefs` get all of them there; those that name their keys in fields of their own get one for each
 * field, in order, and the rest in `secretRefs`.
 */
export function placeSecrets(
  definition: ReceiverDefinition,
  fields: Readonly<Record<string, unknown>>,
  given: readonly Uint8Array[],
): ReceiverSecrets {
  const paths = definition.required.includes('secretRefs')
    ? []
    : (definition.secretFields?.(fields) ?? []).map(({ path }) => path);
  if (paths.length === 0) return { secrets: given };
  const named = new Map<string, Uint8Array>();
  for (const [index, path] of paths.entries()) {
    const secret = given[index];
    if (secret !== undefined) named.set(path, secret);
  }
  return { secrets: given.slice(paths.length), named };
}
