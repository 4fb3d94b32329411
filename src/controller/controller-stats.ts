/** Counts and times of a controller replica, for its health and metrics. */
import type { WatchStats } from './counted-watch.ts';
import type { Histogram } from './time-programming.ts';
import type { TriggerStats } from './types.ts';

export interface ControllerStats {
  /** Everything was listed, and the first table built. */
  readonly ready: boolean;
  readonly functions: number;
  readonly subscriptions: number;
  /** Resources that wait for their namespace or references. */
  readonly waiting: number;
  /** By runtime group, those without any included: how many have a link to this replica now. */
  readonly linkedRuntimes: ReadonlyMap<string, number>;
  readonly references: number;
  readonly referenceLagMs: number;
  readonly builds: number;
  readonly lastBuildMs: number;
  readonly watches: readonly WatchStats[];
  readonly statusWrites: number;
  readonly statusFailures: number;
  readonly statusWaiting: number;
  readonly eventsDropped: number;
  readonly applyToProgrammed: Histogram;
  /** Absent: nobody follows kubernetes triggers. */
  readonly triggers?: TriggerStats | undefined;
}
