/** How long the store keeps what has ended. What has not ended is never trimmed. */
export interface Retention {
  /** Done, filtered and superseded deliveries, with their events. */
  readonly settledMs: number;
  /** Dead and cancelled ones, which can be replayed. */
  readonly failedMs: number;
  /** Ended deliveries of one namespace, an event counted with each; above, the oldest go, settled ones first. */
  readonly endedBytes: number;
  /** Known delivery ids of all endpoints; above, the oldest of whoever has most go. */
  readonly duplicateKeys: number;
}

const hour = 3_600_000;

export const defaultRetention: Retention = {
  settledMs: 24 * hour,
  failedMs: 30 * 24 * hour,
  endedBytes: 1024 ** 3,
  duplicateKeys: 20_000_000,
};
