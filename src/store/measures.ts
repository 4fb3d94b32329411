/** What an engine of the store tells of itself. */
import type { AppendTimes } from './append-times.ts';
import type { StoreUsage } from './quotas.ts';

/** How the engine is doing; figures that an engine does not have are absent. */
export interface StoreMeasures {
  /** Nothing new is accepted: the disk is nearly full. */
  readonly diskLow: boolean;
  /** Of the file system the store lies on. */
  readonly freeBytes?: number;
  readonly databaseBytes: number;
  /** What has been written since the last checkpoint. */
  readonly logBytes?: number;
  readonly duplicateKeys: number;
  /** Destinations of which something is due, and how long the delivery waits that has been due longest. */
  readonly overdueMs: Readonly<Record<string, number>>;
  /** Appends of this process since it started. */
  readonly appends: AppendTimes;
  /** How long delivery ids are really remembered where the bound on keys cut a window short; absent: all windows hold. */
  readonly duplicateWindowMs?: number;
  /** What each namespace has stored, by UID. */
  readonly usage: Readonly<Record<string, StoreUsage>>;
}
