/** What the watching half of the console asks of whatever runs the functions; answers are those of `run.moonhook.dev`. */

import type { ListedRoute } from '../runtime/live/list-routes.ts';
import type { FunctionMeasures, Measures } from '../telemetry/measures.ts';

export type PlainObject = Readonly<Record<string, unknown>>;
export type PlainQuery = Readonly<Record<string, string | undefined>>;

export type WatchAnswer =
  | { readonly ok: true; readonly value: PlainObject }
  | { readonly ok: false; readonly status: 400 | 404 | 409 | 503; readonly message: string };

/** A call by name, past every receiver: the user of the console answers for it. */
export interface InvokeOrder {
  readonly namespace: string;
  readonly name: string;
  readonly trigger?: string;
  readonly method: string;
  /** Path and query that the function sees. */
  readonly path?: string;
  readonly contentType?: string;
  readonly body?: string;
  /** Stored, and run on its own. */
  readonly later?: boolean;
}

/** A route of the table, with what answers there. */
export type RouteRow = ListedRoute;

export interface ScheduleRow {
  readonly namespace: string;
  readonly name: string;
  readonly trigger: string;
  readonly cron: string;
  readonly timeZone: string;
  /** RFC 3339; absent: it does not run, because the function is suspended or the trigger not resolved. */
  readonly next?: string;
  readonly last?: { readonly time: string; readonly outcome: string; readonly callId: string };
}

/** Part of a long list. */
export interface PageWish {
  /** Part of a row's text, lower case; empty: every row. */
  readonly find: string;
  readonly offset: number;
  readonly limit: number;
}

export interface WatchSource {
  /** A page of call records, the newest first; `until` asks for older ones. */
  calls(query: PlainQuery): Promise<WatchAnswer>;
  /** Calls that have not ended. */
  running(query: PlainQuery): Promise<WatchAnswer>;
  /** The story of whatever the id stands for: a call, an event, a delivery, a sender's delivery id. */
  explain(namespace: string | undefined, id: string): Promise<WatchAnswer>;
  deliveries(namespace: string | undefined, query: PlainQuery): Promise<WatchAnswer>;
  delivery(namespace: string, id: string): Promise<WatchAnswer>;
  /** As `moonhook replay`; with `dryRun` it says how many. */
  replay(namespace: string, wish: PlainObject): Promise<WatchAnswer>;
  replayStatus(namespace: string, generation: number): Promise<WatchAnswer>;
  cancel(namespace: string, selection: PlainObject): Promise<WatchAnswer>;
  subscriptions(): Promise<WatchAnswer>;
  subscription(namespace: string, name: string): Promise<WatchAnswer>;
  ping(namespace: string, name: string): Promise<WatchAnswer>;
  /** Every route, in the order of paths. */
  routes(): Promise<readonly RouteRow[]>;
  /** What would take a request that was not sent, and whether its sender verifies. */
  explainRequest(request: PlainObject): Promise<WatchAnswer>;
  /** Those that run soonest first. */
  schedules(page: PageWish): Promise<{ readonly total: number; readonly rows: readonly ScheduleRow[] }>;
  keys(namespace: string, query: PlainQuery): Promise<WatchAnswer>;
  setKey(namespace: string, write: PlainObject): Promise<WatchAnswer>;
  deleteKey(namespace: string, query: PlainQuery): Promise<WatchAnswer>;
  suspend(kind: 'function' | 'subscription', namespace: string, name: string, suspend: boolean): Promise<WatchAnswer>;
  invoke(order: InvokeOrder): Promise<WatchAnswer>;
  /** Absent: it is measured elsewhere (Prometheus). */
  readonly measures?: MeasureSource;
}

export interface MeasureSource {
  measures(): Measures;
  /** By `NAMESPACE/NAME`; those without calls are not there. */
  functions(): ReadonlyMap<string, FunctionMeasures>;
}
