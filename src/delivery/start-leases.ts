/**
 * Starts what was leased, a little in each turn of the event loop. What was leased with its accept starts like the accept
 * itself; what was pulled waits between two portions while synchronous calls come, so that they find the thread free.
 */
import { takeInTurns, type TurnSource } from '../store/take-in-turns.ts';
import { BacklogShare } from './backlog-share.ts';

export interface LeaseStarts<Item> {
  /** Leased with their accept. */
  fresh(leases: readonly Item[]): void;
  /** From the backlog. */
  pulled(leases: readonly Item[]): void;
  /** Pulled ones whose turn has not come. */
  waiting(): number;
}

/** `after` calls back once after so many milliseconds. */
export function createLeaseStarts<Item>(
  turns: TurnSource,
  after: (milliseconds: number, callback: () => void) => void,
  start: (lease: Item) => void,
): LeaseStarts<Item> {
  const share = new BacklogShare();
  let waiting = 0;
  const pulled = takeInTurns<Item>(
    {
      ...turns,
      rest(workedMs, callback) {
        const pause = share.rest(workedMs);
        const until = turns.now() + pause;
        after(pause, () => {
          share.rested(turns.now() - until);
          callback();
        });
      },
    },
    (lease) => {
      waiting -= 1;
      start(lease);
    },
  );
  return {
    fresh: takeInTurns<Item>(turns, start),
    pulled(leases) {
      waiting += leases.length;
      pulled(leases);
    },
    waiting: () => waiting,
  };
}
