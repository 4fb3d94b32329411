/** Decides by its name whether an event runs: the `events` list of a trigger and the events that only test a connection. */
import type { SenderProfile } from './types.ts';

/**
 * `run`: it runs. `filtered`: not wanted, answered as accepted. `handshake`: it only tests the connection and is
 * answered by the host.
 */
export type EventDecision = 'run' | 'filtered' | 'handshake';

/**
 * Whether a name is covered by a pattern: equal, below it (`pull_request` covers `pull_request.opened`), or matched by
 * `*`, which stands for any characters. Linear in the name for each part between stars.
 */
export function coversEvent(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return name === pattern || name.startsWith(`${pattern}.`);
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let position = first.length;
  const end = name.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const at = name.indexOf(part, position);
    if (at === -1 || at + part.length > end) return false;
    position = at + part.length;
  }
  return true;
}

/** Judges an event by the trigger's `events` (absent or empty: all) and the sender's connection tests. */
export function decideEvent(
  profile: Pick<SenderProfile, 'handshakeEvents'>,
  events: readonly string[] | undefined,
  name: string,
): EventDecision {
  const listed = events !== undefined && events.length > 0;
  if (listed && events.some((pattern) => coversEvent(pattern, name))) return 'run';
  if (profile.handshakeEvents?.includes(name) === true) return 'handshake';
  return listed ? 'filtered' : 'run';
}
