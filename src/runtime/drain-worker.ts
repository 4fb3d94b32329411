/** A worker takes nothing new and ends what it has, within the grace. */
import type { LeaseLoop } from '../delivery/lease-loop.ts';
import type { Listener } from './listener-http.ts';
import type { WorkerParts } from './worker-parts.ts';

/** In-flight answers go out with `Connection: close`; what is left after the grace is cut. */
export async function drainWorker(
  parts: WorkerParts,
  loop: LeaseLoop,
  listeners: readonly Listener[],
  graceMs: number,
): Promise<void> {
  parts.draining = true;
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  const stop = parts.after(graceMs, () => {
    for (const listener of listeners) listener.closeAll();
  });
  await Promise.all([closed, loop.drain(graceMs)]);
  stop();
}
