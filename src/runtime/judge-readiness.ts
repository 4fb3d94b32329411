/** Whether the process is alive, and whether it should get requests. */
import type { Readiness } from './admin-http.ts';

export interface RuntimeState {
  /** The first table has been applied whole. */
  applied: boolean;
  draining: boolean;
  /** Why the store is gone: nothing may be accepted any more. */
  lost: string | undefined;
}

/** Not alive: only a restart helps. */
export function judgeLife({ lost }: RuntimeState): Readiness {
  return lost === undefined ? { ready: true } : { ready: false, reason: `the store is lost: ${lost}` };
}

/** `notReady`: why whoever composes the program wants no requests yet. */
export function judgeReadiness(
  { applied, draining, lost }: RuntimeState,
  workers: number,
  notReady: string | undefined,
): Readiness {
  if (draining) return { ready: false, reason: 'draining' };
  if (lost !== undefined) return { ready: false, reason: 'the store is lost' };
  if (notReady !== undefined) return { ready: false, reason: notReady };
  if (!applied) return { ready: false, reason: 'the route table is not there yet' };
  return workers > 0 ? { ready: true } : { ready: false, reason: 'no worker serves' };
}
