/**
 * What the verbs ask of whatever runs the functions: deliveries, replays, key-value rows, suspension. A local run answers
 * over its API; the resources and their namespaces are those of `run.moonhook.dev`, so that a cluster can stand behind it.
 */
import { askApi, type Answered } from './dev-client.ts';

export type PlainObject = Readonly<Record<string, unknown>>;

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

export interface RunClient {
  /** Newest first; without a namespace: of all. */
  listDeliveries(
    namespace: string | undefined,
    query: Readonly<Record<string, string>>,
  ): Promise<Answered<PlainObject>>;
  describeDelivery(namespace: string, id: string): Promise<Answered<PlainObject>>;
  /** The story of a call, an event or a delivery. */
  explain(namespace: string | undefined, id: string): Promise<Answered<PlainObject>>;
  replay(namespace: string, wish: ReplayWish): Promise<Answered<PlainObject>>;
  replayStatus(namespace: string, generation: number): Promise<Answered<PlainObject>>;
  cancelReplay(namespace: string, generation: number): Promise<Answered<PlainObject>>;
  cancel(namespace: string, selection: Selection & { readonly dryRun?: true }): Promise<Answered<PlainObject>>;
  /** One key, or a page of keys. */
  readKeys(namespace: string, space: KeySpace, query: Readonly<Record<string, string>>): Promise<Answered<PlainObject>>;
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
  /** Standing of a function or subscription. */
  describe(kind: 'function' | 'subscription', namespace: string, name: string): Promise<Answered<PlainObject>>;
}

/** The running `moonhook dev` of a data directory. */
export function connectLocalRun(dataDirectory: string | undefined): RunClient {
  const ask = (path: string, query: Readonly<Record<string, string>> = {}): Promise<Answered<PlainObject>> =>
    askApi(`${path}${queryOf(query)}`, dataDirectory);
  const send = (method: string, path: string, body: unknown): Promise<Answered<PlainObject>> =>
    askApi(path, dataDirectory, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const below = (namespace: string, path: string): string => `/namespaces/${encodeURIComponent(namespace)}${path}`;
  return {
    listDeliveries: (namespace, query) =>
      ask(namespace === undefined ? '/deliveries' : below(namespace, '/deliveries'), query),
    describeDelivery: (namespace, id) => ask(below(namespace, '/delivery'), { id }),
    explain: (namespace, id) => ask('/explain', { id, ...(namespace === undefined ? {} : { namespace }) }),
    replay: (namespace, wish) => send('POST', below(namespace, '/replay'), wish),
    replayStatus: (namespace, generation) => ask(below(namespace, `/replays/${generation}`)),
    cancelReplay: (namespace, generation) =>
      askApi(below(namespace, `/replays/${generation}`), dataDirectory, { method: 'DELETE' }),
    cancel: (namespace, selection) => send('POST', below(namespace, '/cancel'), selection),
    readKeys: (namespace, space, query) => ask(below(namespace, '/kv'), { ...space, ...query }),
    setKey: (namespace, space, write) => send('PUT', below(namespace, '/kv'), { ...space, ...write }),
    deleteKey: (namespace, space, query) =>
      askApi(`${below(namespace, '/kv')}${queryOf({ ...space, ...query })}`, dataDirectory, { method: 'DELETE' }),
    setSuspend: (kind, namespace, name, suspend) =>
      send('PUT', below(namespace, `/${kind}s/${encodeURIComponent(name)}/suspend`), { suspend }),
    describe: (kind, namespace, name) => ask(`/${kind}s/${namespace}/${name}`),
  };
}

function queryOf(query: Readonly<Record<string, string>>): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}
