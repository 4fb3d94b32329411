/** Gathers what every worker says about the revisions of one change into one acknowledgement per function. */
import type { Acknowledgement } from '../routing/types.ts';

/**
 * One of several: accepted when all accept, else the first refusal. All workers run the same engine on the same code, so
 * they differ only when one of them broke.
 */
export function mergeAcknowledgements(byWorker: readonly (readonly Acknowledgement[])[]): readonly Acknowledgement[] {
  const merged = new Map<string, Acknowledgement>();
  for (const acknowledgements of byWorker) {
    for (const acknowledgement of acknowledgements) {
      const before = merged.get(acknowledgement.uid);
      if (before === undefined || (before.accepted && !acknowledgement.accepted)) {
        merged.set(acknowledgement.uid, acknowledgement);
      }
    }
  }
  return [...merged.values()];
}
