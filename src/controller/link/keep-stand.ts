/** Where this controller stands in the count of elections, as it tells runtimes. */
import type { LinkClock } from '../../link/link-peer.ts';
import type { StandMessage } from '../../link/protocol.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Leadership, TableSource } from '../types.ts';

export interface KeptStand {
  now(): StandMessage;
  /** A runtime serves the table of this epoch. */
  heard(epoch: number): void;
  stop(): void;
}

export function keepStand(options: {
  readonly controller: string;
  readonly source: TableSource;
  readonly leadership: Leadership;
  readonly clock: LinkClock;
  readonly log: Logger;
  /** A leader whose epoch is below what a runtime serves and who still leads after so long goes above it. */
  readonly outrankedMs: number;
  onChanged(): void;
}): KeptStand {
  const { controller, source, leadership, clock, log, onChanged } = options;
  /** Epochs below it are not enough. */
  let floor = 0;
  let stopOutranked = (): void => undefined;
  const stopLeadership = leadership.subscribe(onChanged);

  const ownEpoch = (): number => (leadership.leading ? Math.max(leadership.epoch, floor) : 0);

  return {
    now: () => ({ kind: 'stand', controller, epoch: ownEpoch(), synced: source.current() !== undefined }),
    /**
     * A higher one: the count of elections began anew (its Lease was deleted), and runtimes would keep what they have for
     * ever. A leader that was only asleep has lost its lease by the time this waits for, and does nothing.
     */
    heard(epoch) {
      const own = ownEpoch();
      if (own === 0 || epoch <= own) return;
      log.warn('a runtime serves the table of a higher election', { epoch, own });
      stopOutranked();
      stopOutranked = clock.after(options.outrankedMs, () => {
        if (!leadership.leading || epoch < ownEpoch()) return;
        floor = epoch + 1;
        log.warn('the count of elections began anew: going above what runtimes serve', { epoch: floor });
        onChanged();
      });
    },
    stop() {
      stopLeadership();
      stopOutranked();
    },
  };
}
