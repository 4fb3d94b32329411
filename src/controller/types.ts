/** Where the parts of the controller meet: the table it builds, who leads, what runtimes said, and what it knows of them. */
import type { SubscriptionHealth } from '../delivery/subscription-health.ts';
import type { Acknowledgement, RouteTable } from '../routing/types.ts';

/** The table as this replica builds it. Every replica has one, whoever leads. */
export interface TableSource {
  /** Undefined until everything was listed and every reference read once: runtimes are given nothing before. */
  current(): RouteTable | undefined;
  /**
   * Called with each new table, `version` grown; tables of one source share what did not change, so `diffTables` costs what
   * did. The first change after a rest comes at once, others are gathered: after 5 ms of quiet, 50 ms at most. Answers the
   * end of the subscription.
   */
  subscribe(listener: (table: RouteTable) => void): () => void;
}

/** Whether this replica leads. Only the leader writes statuses and Events. */
export interface Leadership {
  readonly leading: boolean;
  /**
   * Fencing: the number of the election this replica won last, 0: none. Grows with each change of the leader
   * (`leaseTransitions` of the Lease plus one), and a runtime follows the table of the highest.
   */
  readonly epoch: number;
  subscribe(listener: () => void): () => void;
}

/** One runtime that has, or had, a link to this replica. */
export interface LinkedRuntime {
  /** Name of its pod. */
  readonly runtime: string;
  /** Whose store it shares. */
  readonly group: string;
  readonly podUid: string;
  /** False: the link is down; forgotten when the pod is gone. */
  readonly connected: boolean;
  /** True: it has the whole table of some replica. */
  readonly ready: boolean;
  /** What it last said of each function and subscription, of whatever revision; by uid. */
  readonly acknowledgements: ReadonlyMap<string, Acknowledgement>;
}

/** What changed among the linked runtimes. */
export type RuntimesChange =
  /** Runtimes said something new about these functions and subscriptions; `by`: the pod of the only one that did. */
  | { readonly kind: 'acknowledged'; readonly uids: readonly string[]; readonly by?: string }
  /** A runtime came, went, or became ready: no status is written for it alone. */
  | { readonly kind: 'runtimes' }
  /** Runtimes reported when schedules run, or how a subscriber's receiver does. */
  | { readonly kind: 'reported'; readonly uids: readonly string[] };

/** What the link knows of the runtimes; the controller reads it for the conditions. */
export interface Acknowledgements {
  runtimes(): readonly LinkedRuntime[];
  /** When schedule triggers of a function ran and will run, by the name of the trigger; undefined: nobody said. */
  scheduleTimes(uid: string): ReadonlyMap<string, ScheduleTimes> | undefined;
  /** How the receiver of a subscription does; undefined: nobody said. */
  subscriptionHealth(uid: string): SubscriptionHealthReport | undefined;
  subscribe(listener: (change: RuntimesChange) => void): () => void;
}

/** As runtimes read it from the store. */
export interface SubscriptionHealthReport extends SubscriptionHealth {
  /** Whether its host is left alone now. */
  readonly breaker: 'Closed' | 'Open' | 'HalfOpen';
}

/** How a kubernetes trigger does. */
export interface TriggerReport {
  /** Changes of its objects reach the function. */
  readonly ready: boolean;
  /** RFC 3339; from when on nothing is missed, if that is news. */
  readonly since?: string;
  /** Stable; absent: it is ready. */
  readonly reason?: string;
  readonly message?: string;
  /** Set: somebody has to do something, and that condition says so. */
  readonly condition?: 'Accepted' | 'ResolvedRefs';
}

export interface TriggerStats {
  readonly triggers: number;
  readonly ready: number;
  readonly watches: number;
  /** In the copies of the watches. */
  readonly objects: number;
  /** Events stored for functions since the start. */
  readonly stored: number;
  /** Watches opened anew, by the reason. */
  readonly restarts: Readonly<Record<string, number>>;
}

/** What the leader knows of kubernetes triggers; the controller reads it for the conditions. */
export interface TriggerReports {
  /** By the name of the trigger; undefined: nobody follows any of the function. */
  triggerStates(uid: string): ReadonlyMap<string, TriggerReport> | undefined;
  stats(): TriggerStats;
  subscribe(listener: (uids: readonly string[]) => void): () => void;
}

export interface ScheduleTimes {
  /** RFC 3339. */
  readonly lastScheduleTime?: string;
  readonly nextScheduleTime?: string;
}

/** A Ready endpoint of the runtimes' Service: a pod that takes traffic. */
export interface RuntimeEndpoint {
  /** Whose Service it is. */
  readonly group: string;
  readonly pod: string;
  readonly podUid: string;
}

/** Pods of the runtimes as the cluster lists them. */
export interface RuntimeEndpoints {
  /** Undefined until they were listed. */
  current(): readonly RuntimeEndpoint[] | undefined;
  subscribe(listener: () => void): () => void;
}
