/** Where this controller stands in the count of elections, as it tells runtimes. */
import type { LinkClock } from '../../link/link-peer.ts';
import type { StandMessage } from '../../link/protocol.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Leadership, TableSource } from '../types.ts';

export interface KeptStand {
  now(): StandMessage;
  /** A linked runtime serves the table of this epoch; undefined: it has none yet. */
  heard(runtime: string, epoch: number | undefined): void;
  /** Its link has ended. */
  left(runtime: string): void;
  stop(): void;
}

/** So many elections nobody holds: one runtime alone is not believed further. */
const believedAlone = 1_000_000;
/** A number above it has none that is higher. */
const highestEpoch = Number.MAX_SAFE_INTEGER - 1;

export function keepStand(options: {
  readonly controller: string;
  readonly source: TableSource;
  readonly leadership: Leadership;
  readonly clock: Pick<LinkClock, 'after'>;
  readonly log: Pick<Logger, 'warn'>;
  /** A leader whose epoch is below what a runtime serves and who still leads after so long goes above it. */
  readonly outrankedMs: number;
  onChanged(): void;
}): KeptStand {
  const { controller, source, leadership, clock, log, onChanged } = options;
  /** What the linked runtimes serve. */
  const served = new Map<string, number>();
  /** Epochs below it are not enough. */
  let floor = 0;
  let stopOutranked: (() => void) | undefined;
  const stopLeadership = leadership.subscribe(() => {
    onChanged();
    look();
  });

  const ownEpoch = (): number => (leadership.leading ? Math.max(leadership.epoch, floor) : 0);

  /**
   * The highest epoch that is to be gone above; 0: none. A runtime that was taken over may say any number: one that is far away
   * counts only if most runtimes serve one as high. Otherwise it could use the numbers up, and nobody would lead any more.
   */
  function outranking(): number {
    const own = ownEpoch();
    if (own === 0) return 0;
    const all = [...served.values()].filter((epoch) => epoch <= highestEpoch).sort((one, other) => other - one);
    // What more than half of them serve, or more.
    const shared = served.size === 0 ? 0 : (all[served.size >> 1] ?? 0);
    const highest = all.find((epoch) => epoch <= Math.max(own + believedAlone, shared)) ?? 0;
    return highest > own ? highest : 0;
  }

  /**
   * A higher one: the count of elections began anew (its Lease was deleted), and runtimes would keep what they have for
   * ever. A leader that was only asleep has lost its lease by the time this waits for, and does nothing. Who says more
   * meanwhile does not make it wait longer.
   */
  function look(): void {
    const epoch = outranking();
    if (epoch === 0 || stopOutranked !== undefined) return;
    log.warn('a runtime serves the table of a higher election', { epoch, own: ownEpoch() });
    stopOutranked = clock.after(options.outrankedMs, () => {
      stopOutranked = undefined;
      const still = outranking();
      if (still === 0) return;
      floor = still + 1;
      log.warn('the count of elections began anew: going above what runtimes serve', { epoch: floor });
      onChanged();
    });
  }

  return {
    now: () => ({ kind: 'stand', controller, epoch: ownEpoch(), synced: source.current() !== undefined }),
    heard(runtime, epoch) {
      served.set(runtime, epoch ?? 0);
      look();
    },
    left: (runtime) => void served.delete(runtime),
    stop() {
      stopLeadership();
      stopOutranked?.();
    },
  };
}
