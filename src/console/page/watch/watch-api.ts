/** The watching half's questions to the program. */
import type { Measures } from '../../../telemetry/measures.ts';
import type { CallRow } from '../../call-row.ts';
import type { StandingPage } from '../../list-standing.ts';
import type { LogRow } from '../../log-rows.ts';
import type { InvokeOrder, RouteRow, ScheduleRow } from '../../watch-source.ts';
import { askJson, sending } from '../api.ts';
import type { PlainCall } from '../plain-call.ts';
import type { PageOfRows } from './use-pages.ts';

export interface Delivery {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly creationTimestamp: string };
  readonly event: { readonly id: string; readonly type: string };
  readonly to: { readonly kind: string; readonly name: string; readonly trigger?: string; readonly handler?: string };
  readonly state: string;
  readonly generation: number;
  readonly attempts: number;
  readonly crashes: number;
  readonly due?: string;
  readonly ended?: string;
  readonly reason?: string;
  readonly error?: string;
  readonly waitsFor?: string;
  readonly replayedAs?: string;
}

export interface StoryCall extends PlainCall {
  readonly captured?: { readonly headers?: readonly (readonly [string, string])[]; readonly bodyBase64?: string };
}

export interface Story {
  readonly calls: readonly StoryCall[];
  readonly deliveries: readonly Delivery[];
  readonly lines: readonly string[];
}

/** How many a replay or a cancellation is about. */
export interface Count {
  readonly count: number;
  readonly exact: boolean;
  readonly destinations: readonly { readonly to: Delivery['to']; readonly count: number; readonly waitsFor?: string }[];
  readonly running?: number;
  readonly states?: Readonly<Record<string, number>>;
  readonly replay?: ReplayState;
}

export interface ReplayState {
  readonly generation: number;
  readonly state?: string;
  readonly created?: number;
}

export interface Subscription {
  readonly namespace: string;
  readonly name: string;
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly programmed: string;
  readonly events: readonly string[];
  readonly url?: string;
  readonly health: {
    readonly state: string;
    readonly lastSuccess?: string;
    readonly lastFailure?: string;
    readonly failingSince?: string;
    readonly error?: string;
    readonly switchedOff?: string;
    readonly reason?: string;
  };
  readonly breaker: 'Closed' | 'Open' | 'HalfOpen';
  /** How many secrets sign: two are a rotation under way. */
  readonly signingSecrets?: number;
}

export interface KeyRow {
  readonly key: string;
  readonly value?: unknown;
  readonly valueBase64?: string;
  readonly version: number;
  readonly expires?: string;
}

export interface InvokeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly cut: boolean;
}

export interface RouteVerdict {
  readonly match: string;
  readonly verdict?: string;
  readonly taker?: { readonly namespace: string; readonly name: string; readonly trigger: string };
  readonly lines: readonly string[];
}

export type Query = Readonly<Record<string, string | undefined>>;

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

const ask = <Value>(path: string, query: Query, signal?: AbortSignal): Promise<Value> =>
  askJson<Value>(withQuery(path, query), { signal: signal ?? null });
const paged = (find: string, offset: number, limit: number): Query => ({
  find,
  offset: String(offset),
  limit: String(limit),
});
const named = (namespace: string, name: string): string =>
  `/subscriptions/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;

export const watchApi = {
  measures: (signal?: AbortSignal) => ask<Measures>('/measures', {}, signal),
  standing: (find: string, order: string, offset: number, limit: number, signal?: AbortSignal) =>
    ask<StandingPage>('/standing', { ...paged(find, offset, limit), order }, signal),
  calls: async (query: Query, signal?: AbortSignal) =>
    (await ask<{ readonly calls: readonly CallRow[] }>('/calls', query, signal)).calls,
  /** Of the newest calls that wrote something. */
  logs: async (namespace: string, name: string, signal: AbortSignal) =>
    (await ask<{ readonly lines: readonly LogRow[] }>('/logs', { namespace, name, limit: '200' }, signal)).lines,
  explain: (namespace: string | undefined, id: string) => ask<Story>('/explain', { namespace, id }),
  deliveries: (query: Query, signal?: AbortSignal) =>
    ask<{ readonly metadata: { readonly continue?: string }; readonly items: readonly Delivery[] }>(
      '/deliveries',
      query,
      signal,
    ),
  replay: (namespace: string, wish: object) => askJson<Count>('/replay', sending('POST', { namespace, ...wish })),
  cancel: (namespace: string, wish: object) => askJson<Count>('/cancel', sending('POST', { namespace, ...wish })),
  subscriptions: async () =>
    (await ask<{ readonly subscriptions: readonly Subscription[] }>('/subscriptions', {})).subscriptions,
  ping: (namespace: string, name: string) =>
    askJson<{ readonly ok: boolean; readonly lines: readonly string[] }>(
      `${named(namespace, name)}/ping`,
      sending('POST', {}),
    ),
  routes: (find: string, offset: number, limit: number, signal?: AbortSignal) =>
    ask<PageOfRows<RouteRow>>('/routes', paged(find, offset, limit), signal),
  explainRequest: (request: object) => askJson<RouteVerdict>('/routes/explain', sending('POST', request)),
  schedules: (find: string, offset: number, limit: number, signal?: AbortSignal) =>
    ask<PageOfRows<ScheduleRow>>('/schedules', paged(find, offset, limit), signal),
  keys: (query: Query, signal?: AbortSignal) =>
    ask<{ readonly metadata: { readonly continue?: string }; readonly items: readonly KeyRow[] }>(
      '/keys',
      query,
      signal,
    ),
  setKey: (write: object) => askJson<KeyRow>('/keys', sending('PUT', write)),
  deleteKey: (query: Query) => askJson<unknown>(withQuery('/keys', query), { method: 'DELETE' }),
  suspend: (kind: 'function' | 'subscription', namespace: string, name: string, suspend: boolean) =>
    askJson<unknown>('/suspend', sending('POST', { kind, namespace, name, suspend })),
  invoke: (order: InvokeOrder) => askJson<InvokeAnswer>('/invoke', sending('POST', order)),
};

/** `NS/NAME trigger push`, `whs/NS/NAME`. */
export function describeTo(namespace: string, { kind, name, trigger, handler }: Delivery['to']): string {
  if (kind === 'WebhookSubscription') return `whs/${namespace}/${name}`;
  if (kind === 'Callback') return `callback of ${namespace}/${name}`;
  const part = trigger ?? handler;
  return `${namespace}/${name}${part === undefined ? '' : ` · ${part}`}`;
}
