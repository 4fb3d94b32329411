/**
 * What the verbs ask of whatever runs the functions: a local run, or a cluster. The resources and their namespaces are
 * those of `run.moonhook.dev`; both answer in the same words.
 */
import type { PlainCall } from './call-lines.ts';
import type { Answered } from './dev-client.ts';
import type {
  Coverage,
  DeliveryPage,
  Described,
  Foresight,
  ListedFunction,
  ListedSubscription,
  ReplayState,
  RunStatus,
} from './run-answers.ts';

export type PlainObject = Readonly<Record<string, unknown>>;
export type Query = Readonly<Record<string, string>>;

/** Which deliveries are meant, within one namespace; without an id or a name: all of it. */
export interface Selection {
  readonly id?: string;
  readonly function?: string;
  readonly subscription?: string;
  readonly trigger?: string;
  /** RFC 3339, of the event. */
  readonly since?: string;
  readonly until?: string;
}

export interface ReplayWish extends Selection {
  readonly dead?: true;
  readonly all?: true;
  readonly to?: { readonly function?: string; readonly subscription?: string; readonly trigger?: string };
  readonly dryRun?: true;
  readonly generation?: number;
}

/** A function's own keys, or shared ones of the namespace. */
export type KeySpace = { readonly function: string } | { readonly shared: string };

/** Which calls: with those of one function or subscription, of one trigger, with certain outcomes. */
export interface CallQuery {
  readonly namespace?: string;
  /** Of the function. */
  readonly name?: string;
  readonly subscription?: string;
  readonly trigger?: string;
  readonly outcome?: string;
  readonly limit?: string;
  /** Those that logged something or ended with an error, with their log. */
  readonly logged?: 'true';
  /** Those that have not ended. */
  readonly running?: 'true';
}

/** A call of a function as somebody wants it. */
export interface InvokeOrder {
  readonly namespace: string;
  readonly name: string;
  readonly asynchronous: boolean;
  readonly method: string;
  /** Empty, or path and query. */
  readonly path: string;
  /** `x-moonhook-trigger` among them names a trigger. */
  readonly headers: Headers;
  readonly body?: Uint8Array;
}

export interface RunClient {
  /** In a cluster: the namespace that is meant where none is named. */
  readonly namespace?: string;
  /** For people: `the run of this folder`, `context staging`. */
  readonly label: string;
  listFunctions(namespace: string | undefined): Promise<Answered<readonly ListedFunction[]>>;
  listSubscriptions(namespace: string | undefined): Promise<Answered<readonly ListedSubscription[]>>;
  /** Standing of a function or subscription. */
  describe(kind: 'function' | 'subscription', namespace: string, name: string): Promise<Answered<Described>>;
  /** Newest first; those that run: oldest first. */
  listCalls(query: CallQuery): Promise<Answered<readonly PlainCall[]>>;
  /** Calls from now on, until the signal or the end of the connection. */
  followCalls(query: CallQuery, signal: AbortSignal): Promise<Answered<AsyncIterable<PlainCall>>>;
  /** Newest first; without a namespace: of all. */
  listDeliveries(namespace: string | undefined, query: Query): Promise<Answered<DeliveryPage>>;
  /** `body`: with the body of its event, for who may see what senders sent. */
  describeDelivery(namespace: string, id: string, body: boolean): Promise<Answered<PlainObject>>;
  /** The story of a call, an event or a delivery. */
  explain(namespace: string | undefined, id: string): Promise<Answered<PlainObject>>;
  /** What would happen to a request that is not sent. */
  explainRequest(namespace: string, name: string, request: object): Promise<Answered<PlainObject>>;
  /** What the function answered, whatever it was. */
  invoke(order: InvokeOrder): Promise<Answered<Response>>;
  /** Attributes and data of a CloudEvent, onto the bus of the namespace. */
  publish(namespace: string, event: PlainObject): Promise<Answered<PlainObject>>;
  /** Who would receive an event, and why the others would not. */
  foresee(namespace: string, event: PlainObject): Promise<Answered<Foresight>>;
  replay(namespace: string, wish: ReplayWish): Promise<Answered<Coverage>>;
  replayStatus(namespace: string, generation: number): Promise<Answered<ReplayState>>;
  cancelReplay(namespace: string, generation: number): Promise<Answered<PlainObject>>;
  cancel(
    namespace: string,
    selection: Selection & { readonly dead?: true; readonly dryRun?: true },
  ): Promise<Answered<Coverage>>;
  /** One key, or a page of keys. */
  readKeys(namespace: string, space: KeySpace, query: Query): Promise<Answered<PlainObject>>;
  setKey(
    namespace: string,
    space: KeySpace,
    /** `value`: JSON as text. */
    write: { readonly key: string; readonly value: string; readonly ttlMs?: number; readonly version?: number },
  ): Promise<Answered<PlainObject>>;
  deleteKey(
    namespace: string,
    space: KeySpace,
    query: { readonly key: string; readonly version?: string },
  ): Promise<Answered<PlainObject>>;
  setSuspend(
    kind: 'function' | 'subscription',
    namespace: string,
    name: string,
    suspend: boolean,
  ): Promise<Answered<PlainObject>>;
  ping(namespace: string, name: string): Promise<Answered<PlainObject>>;
  /** Reads what the function refers to again, at once. */
  refresh(namespace: string, name: string): Promise<Answered<PlainObject>>;
  /** How all of it stands. */
  status(): Promise<Answered<RunStatus>>;
}
