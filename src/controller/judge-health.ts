/** Whether a replica is alive and ready, from what it says of itself. */
import type { ControllerStats } from './controller-stats.ts';

/** Bookmarks come every minute, and a watch that is silent for longer is opened anew: this only happens to a dead loop. */
const deadMs = 15 * 60_000;

/** Why the process must be restarted; an API server that does not answer is no reason. */
export function whyDead({ watches }: ControllerStats): string | undefined {
  const dead = watches.find(({ silentMs, failing }) => silentMs !== undefined && silentMs > deadMs && !failing);
  return dead && `the watch of ${dead.resource} is dead`;
}

/** Why it cannot serve runtimes. */
export function whyNotReady(stats: ControllerStats): string | undefined {
  if (stats.ready) return undefined;
  const missing = stats.watches.filter(({ synced }) => !synced).map(({ resource }) => resource);
  if (missing.length > 0) return `not listed yet: ${missing.join(', ')}`;
  return `${stats.waiting} resources wait for their namespace or references`;
}
