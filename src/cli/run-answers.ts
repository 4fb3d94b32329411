/**
 * The parts of answers that verbs print. Type aliases, not interfaces: an answer comes as a plain object, and stays one
 * for whoever prints it as JSON.
 */
import type { Diagnostic } from '../local/diagnostic.ts';
import type { PlainCoverage, PlainDelivery } from './delivery-lines.ts';

export type ListedFunction = {
  readonly namespace: string;
  readonly name: string;
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly programmed: string;
  readonly revision: string;
  readonly url?: string;
  readonly triggers: readonly { readonly name: string; readonly kind: string; readonly next?: string }[];
};

export type ListedSubscription = {
  readonly namespace: string;
  readonly name: string;
  readonly ready: string;
  readonly reason: string;
  readonly events: readonly string[];
  readonly url?: string;
  readonly health: { readonly state: string };
  readonly breaker: string;
};

export type Described = {
  readonly namespace: string;
  readonly name: string;
  /** Of a local run. */
  readonly file?: string;
  readonly line?: number;
  readonly generation: number;
  readonly revision: string;
  readonly servingRevision?: string;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  /** Of a local run; in a cluster conditions tell. */
  readonly problems?: readonly Diagnostic[];
  readonly urls: readonly { readonly trigger: string; readonly url: string }[];
  readonly schedules?: readonly {
    readonly trigger: string;
    readonly cron: string;
    readonly timeZone: string;
    readonly next?: string;
    readonly last?: { readonly time: string; readonly outcome: string; readonly callId: string };
  }[];
  /** The spec with its defaults. */
  readonly effective?: {
    readonly suspend?: boolean;
    readonly triggers?: readonly {
      readonly name: string;
      readonly http?: { readonly routes: readonly { readonly path: string; readonly methods?: readonly string[] }[] };
    }[];
  };
  /** Of a subscription. */
  readonly health?: Readonly<Record<string, string>>;
  readonly breaker?: string;
};

export type DeliveryPage = {
  readonly items: readonly PlainDelivery[];
  readonly metadata: { readonly continue?: string };
};

/** What a replay or a cancellation covers. */
export type Coverage = PlainCoverage & {
  /** Of a cancellation: those that run now. */
  readonly running?: number;
  /** Of an id: all its deliveries by state. */
  readonly states?: Readonly<Record<string, number>>;
  readonly replay?: ReplayState;
};

export type ReplayState = {
  readonly generation: number;
  readonly state: 'running' | 'done' | 'cancelled' | 'failed';
  readonly created: number;
  readonly error?: string;
};

export type RunStatus = {
  readonly version?: string;
  /** Of a local run. */
  readonly folder?: string;
  readonly envFile?: string;
  /** Of a cluster. */
  readonly place?: string;
  readonly functions: number;
  readonly subscriptions: number;
  readonly ready: number;
  readonly notReady: readonly Readonly<Record<string, unknown>>[];
  /** Of a local run: what is wrong with files, and with no function in particular. */
  readonly diagnostics?: readonly Diagnostic[];
  readonly runtimes?: readonly Readonly<Record<string, unknown>>[];
};

/** What would become of an event. */
export type Foresight = {
  readonly destinations: readonly {
    readonly to: { readonly kind: string; readonly name: string; readonly trigger?: string };
    readonly receives: boolean;
    readonly why?: string;
  }[];
};
