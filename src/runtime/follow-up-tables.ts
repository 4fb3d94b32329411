/** What follows each change of the table: limits of the store, schedules, deleted functions, and who hears of it. */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { Acknowledgement } from '../routing/types.ts';
import { defaultRetention } from '../store/retention.ts';
import type { Store } from '../store/store.ts';
import type { DeletionFollower } from './follow-deletions.ts';
import type { GoodCodeKeeper } from './keep-good-code.ts';
import type { ScheduleRunner } from './run-schedules.ts';
import type { ThreadFleet } from './start-threads.ts';
import { storeQuotas } from './store-quotas.ts';
import { findNotReady } from './tell-not-ready.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface TableFollowUp {
  /** In force now. */
  readonly policy: InstallationPolicy;
  setPolicy(policy: InstallationPolicy): Promise<void>;
  /** Waits for a change that the workers apply; resolves with what they say of each changed revision. */
  follow(turn: Promise<readonly Acknowledgement[]>): Promise<readonly Acknowledgement[]>;
  /** Called with each acknowledgement; answers what stops it. */
  onAcknowledgement(listener: (acknowledgement: Acknowledgement) => void): () => void;
}

export interface TableFollowUpOptions {
  readonly pool: WorkerPool;
  readonly fleet: ThreadFleet;
  readonly store: Store;
  readonly schedules: ScheduleRunner;
  readonly deletions: DeletionFollower;
  /** Absent: good code is not kept. */
  readonly goodCode: GoodCodeKeeper | undefined;
  readonly policy: InstallationPolicy;
  onApplied(): void;
}

export function createTableFollowUp(options: TableFollowUpOptions): TableFollowUp {
  const { pool, fleet, store, schedules, deletions, goodCode } = options;
  const listeners = new Set<(acknowledgement: Acknowledgement) => void>();
  let { policy } = options;
  let limited = '';

  async function limitStore(): Promise<void> {
    const quotas = storeQuotas(policy, pool.table);
    const retention = { ...defaultRetention, ...policy.retention };
    const said = JSON.stringify([quotas, retention]);
    if (said === limited) return;
    await store.setQuotas(quotas);
    await store.setRetention(retention);
    limited = said;
  }

  return {
    get policy() {
      return policy;
    },
    async setPolicy(next) {
      policy = next;
      await limitStore();
    },
    async follow(turn) {
      const began = performance.now();
      const said = await turn;
      const acknowledgements = goodCode === undefined ? said : await goodCode.settle(said, pool.table);
      fleet.countApply((performance.now() - began) / 1000);
      // These walk the whole table: not for an edit that concerns none of them.
      const weight = pool.weight.take();
      try {
        if (weight.names || limited === '') await limitStore();
        options.onApplied();
        if (weight.schedules) await schedules.follow(pool.table);
        if (weight.names) await deletions.follow(pool.table);
      } catch (error) {
        // The next change deals with it, too.
        pool.weight.add(weight);
        throw error;
      }
      pool.threads[0]?.tellNotReady(findNotReady(pool.table, acknowledgements));
      for (const acknowledgement of acknowledgements) for (const listener of listeners) listener(acknowledgement);
      return acknowledgements;
    },
    onAcknowledgement(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
