/** An event that the call which stored it runs itself: it is held until how the call ended is written. */
import { pauseAfterErrorMs } from '../delivery/run-attempts.ts';
import type { AppendItem, Ending, Lease, Store } from '../store/store.ts';
import type { WorkerParts } from './worker-parts.ts';

type Told = AppendItem | undefined;

export interface HeldEvent {
  /** Writes the ending, later where it cannot be written now: what has run is not run again. `told`: what is stored with it. */
  settle(ending: Ending, told: Told | Promise<Told>): Promise<void>;
}

export type HoldingParts = Pick<WorkerParts, 'after' | 'every' | 'report' | 'draining'> & {
  readonly store: Pick<Store, 'extend' | 'settle'>;
};

export function holdEvent({ receipt }: Lease, leaseMs: number, parts: HoldingParts): HeldEvent {
  let lost = false;
  const stop = parts.every(leaseMs / 3, () => {
    parts.store.extend([receipt], leaseMs).then(
      (gone) => (lost = gone.length > 0),
      (error: unknown) => parts.report('a lease could not be extended', error),
    );
  });

  async function write(ending: Ending, told: Told): Promise<void> {
    for (;;) {
      try {
        const [settled] = await parts.store.settle([
          { receipt, ending, ...(told === undefined ? {} : { append: [told] }) },
        ]);
        // There is no room for the news of it: the ending itself takes none.
        if (typeof settled === 'object' && told !== undefined) return await write(ending, undefined);
        return;
      } catch (error) {
        parts.report('the end of a call over its ackAfter was not stored', error);
        // Somebody else runs it now, or this runtime ends and the next one does.
        if (lost || parts.draining) return;
        await new Promise<void>((resolve) => void parts.after(pauseAfterErrorMs, resolve));
      }
    }
  }

  /** Where it cannot be made, the ending goes without: held for it, the event would be held for ever. */
  async function made(told: Told | Promise<Told>): Promise<Told> {
    try {
      return await told;
    } catch (error) {
      parts.report('what is told of a dead call was given up', error);
      return undefined;
    }
  }

  return {
    settle: (ending, told) =>
      made(told)
        .then((item) => write(ending, item))
        .finally(stop),
  };
}
