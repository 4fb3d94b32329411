/** A cluster as the verbs see it: `run.moonhook.dev` for what is live, `moonhook.dev` for the resources themselves. */
import { resourcePath } from '../controller/kube-answer.ts';
import { openClusterDesk, type ClusterDesk } from './ask-cluster.ts';
import { followClusterCalls } from './cluster-calls.ts';
import type { Answered } from './dev-client.ts';
import { plainCall, plainObject, queryOfCalls } from './plain-objects.ts';
import { exitCodes } from './exit-codes.ts';
import type { RunStatus } from './run-answers.ts';
import type { InvokeOrder, PlainObject, Query, RunClient, Selection } from './run-client.ts';

const apiVersion = 'run.moonhook.dev/v1alpha1';
/** In the place of a name: everything in the namespace. */
const any = '-';
const mostItems = 1_000;

interface Place {
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly subresource?: string;
}

type ListPage = {
  readonly items: readonly PlainObject[];
  readonly metadata: { readonly continue?: string };
};

export function connectCluster(options: {
  readonly context?: string;
  readonly kubeconfig?: string;
}): Answered<RunClient> {
  const opened = openClusterDesk(options);
  return opened.ok ? { ok: true, value: clientOf(opened.value) } : opened;
}

function clientOf(desk: ClusterDesk): RunClient {
  const pathOf = (resource: string, place: Place): string => resourcePath({ apiVersion, resource, ...place });
  const get = <Value extends PlainObject>(
    resource: string,
    place: Place,
    query: Query = {},
  ): Promise<Answered<Value>> => desk.ask({ path: pathOf(resource, place), query }) as Promise<Answered<Value>>;
  const send = async <Value extends PlainObject>(
    method: 'POST' | 'PUT' | 'DELETE',
    resource: string,
    place: Place,
    body?: unknown,
    query: Query = {},
  ): Promise<Answered<Value>> => {
    const content = body === undefined ? {} : { body };
    return unwrap(await desk.ask({ method, path: pathOf(resource, place), query, ...content }));
  };
  const create = <Value extends PlainObject>(resource: string, place: Place, body: unknown): Promise<Answered<Value>> =>
    send('POST', resource, place, body);

  async function listAll<Item extends PlainObject>(
    resource: string,
    namespace: string | undefined,
  ): Promise<Answered<readonly Item[]>> {
    const items: Item[] = [];
    for (let next = ''; ;) {
      const more: Query = next === '' ? {} : { continue: next };
      const page = await get<ListPage>(resource, { namespace }, { limit: String(mostItems), ...more });
      if (!page.ok) return page;
      items.push(...page.value.items.map((item) => plainObject(item) as Item));
      next = page.value.metadata.continue ?? '';
      if (next === '') return { ok: true, value: items };
    }
  }

  /** Replays and cancellations of one function or subscription are below it, all others below `-`. */
  function selected<Value extends PlainObject>(
    verb: 'replay' | 'cancel',
    namespace: string,
    selection: object,
  ): Promise<Answered<Value>> {
    const { function: own, subscription, ...body } = selection as Selection;
    const name = [own, subscription].find((each) => typeof each === 'string') ?? any;
    const resource = subscription === undefined ? 'functions' : 'subscriptions';
    return create(resource, { namespace, name, subresource: verb }, body);
  }

  const keysOf = (namespace: string, space: object): { readonly place: Place; readonly query: Query } => {
    const { function: own, shared } = space as { readonly function?: string; readonly shared?: string };
    return {
      place: { namespace, name: own ?? any, subresource: 'kv' },
      query: shared === undefined ? {} : { shared },
    };
  };

  return {
    namespace: desk.namespace ?? 'default',
    label: desk.label,
    listFunctions: (namespace) => listAll('functions', namespace),
    listSubscriptions: (namespace) => listAll('subscriptions', namespace),
    describe: async (kind, namespace, name) => unwrap(await get(`${kind}s`, { namespace, name })),
    async listCalls(query) {
      const { path, parameters } = queryOfCalls(query);
      const answer = await get<ListPage>(path.resource, path, parameters);
      return answer.ok ? { ok: true, value: answer.value.items.map(plainCall) } : answer;
    },
    followCalls: (query, signal) => followClusterCalls(desk, pathOf, query, signal),
    listDeliveries: (namespace, query) => get('deliveries', { namespace }, query),
    describeDelivery: (namespace, name, body) => get('deliveries', { namespace, name }, body ? { body: 'true' } : {}),
    explain: async (namespace, id) =>
      unwrap(await get('functions', { namespace, name: any, subresource: 'explain' }, { id })),
    explainRequest: (namespace, name, request) =>
      create('functions', { namespace, name, subresource: 'explain' }, request),
    invoke: async (order) => {
      const place = { namespace: order.namespace, name: order.name, subresource: 'invoke' };
      const answer = await create('functions', place, invocationOf(order));
      return answer.ok ? { ok: true, value: responseOf(answer.value) } : answer;
    },
    publish: (namespace, event) => create('events', { namespace }, event),
    foresee: async () => ({
      ok: false,
      exitCode: exitCodes.unusable,
      message: 'only a local run says who would receive an event: `list` shows what functions and subscriptions want',
    }),
    replay: (namespace, wish) => selected('replay', namespace, { ...wish }),
    replayStatus: async (namespace, generation) => {
      const place = { namespace, name: any, subresource: 'replay' };
      return unwrap(await get('functions', place, { generation: String(generation) }));
    },
    cancelReplay: (namespace, generation) => selected('cancel', namespace, { generation }),
    cancel: (namespace, selection) => selected('cancel', namespace, { ...selection }),
    readKeys: async (namespace, space, query) => {
      const { place, query: own } = keysOf(namespace, space);
      return unwrap(await get('functions', place, { ...own, ...query }));
    },
    setKey: (namespace, space, write) => {
      const { place, query } = keysOf(namespace, space);
      return send('PUT', 'functions', place, { ...query, ...write });
    },
    deleteKey: (namespace, space, query) => {
      const { place, query: own } = keysOf(namespace, space);
      return send('DELETE', 'functions', place, undefined, { ...own, ...query });
    },
    setSuspend: (kind, namespace, name, suspend) => setSuspend(desk, kind, namespace, name, suspend),
    ping: (namespace, name) => create('subscriptions', { namespace, name, subresource: 'ping' }, {}),
    refresh: (namespace, name) => create('functions', { namespace, name, subresource: 'refresh' }, {}),
    status: () => statusOf(desk, (resource) => listAll(resource, undefined)),
  };
}

function unwrap<Value extends PlainObject>(answer: Answered<PlainObject>): Answered<Value> {
  return answer.ok ? { ok: true, value: plainObject(answer.value) as Value } : answer;
}

function invocationOf({ asynchronous, method, path, headers, body }: InvokeOrder): PlainObject {
  const { 'x-moonhook-trigger': trigger, ...rest } = Object.fromEntries(headers);
  return {
    method,
    ...(path === '' ? {} : { path }),
    headers: rest,
    ...(trigger === undefined ? {} : { trigger }),
    ...(body === undefined ? {} : { bodyBase64: Buffer.from(body).toString('base64') }),
    ...(asynchronous ? { async: true } : {}),
  };
}

function responseOf(value: PlainObject): Response {
  const { status, headers, bodyBase64 } = value as {
    readonly status: number;
    readonly headers: readonly (readonly [string, string])[];
    readonly bodyBase64: string;
  };
  const body = [204, 205, 304].includes(status) ? null : new Uint8Array(Buffer.from(bodyBase64, 'base64'));
  return new Response(body, { status, headers: headers.map(([name, text]): [string, string] => [name, text]) });
}

/** The field in the resource, with the user's own right to edit it. */
async function setSuspend(
  desk: ClusterDesk,
  kind: 'function' | 'subscription',
  namespace: string,
  name: string,
  suspend: boolean,
): Promise<Answered<PlainObject>> {
  const path = resourcePath({ apiVersion: 'moonhook.dev/v1alpha1', resource: `webhook${kind}s`, namespace, name });
  const before = await desk.ask({ path });
  if (!before.ok) return before;
  const { suspend: was = false } = (before.value['spec'] ?? {}) as { readonly suspend?: boolean };
  const resource = kind === 'function' ? 'WebhookFunction' : 'WebhookSubscription';
  const said = { kind: resource, namespace, name, suspend, changed: was !== suspend };
  if (was === suspend) return { ok: true, value: said };
  const patched = await desk.ask({
    method: 'PATCH',
    path,
    query: { fieldManager: 'moonhook' },
    contentType: 'application/merge-patch+json',
    body: { spec: { suspend: suspend ? true : null } },
  });
  return patched.ok ? { ok: true, value: said } : patched;
}

async function statusOf(
  { label }: ClusterDesk,
  list: (resource: string) => Promise<Answered<readonly PlainObject[]>>,
): Promise<Answered<RunStatus>> {
  const runtimes = await list('runtimes');
  if (!runtimes.ok) return runtimes;
  const functions = await list('functions');
  if (!functions.ok) return functions;
  const subscriptions = await list('subscriptions');
  if (!subscriptions.ok) return subscriptions;
  const ready = functions.value.filter((each) => each['ready'] === 'True').length;
  const all: readonly PlainObject[] = [
    ...functions.value,
    ...subscriptions.value.map((each) => ({ ...each, name: `whs/${String(each['name'])}` })),
  ];
  const notReady = all.flatMap(({ namespace, name, ready: stands, reason, message }) =>
    stands === 'True' ? [] : [{ namespace, name, reason, message }],
  );
  return {
    ok: true,
    value: {
      place: label,
      functions: functions.value.length,
      subscriptions: subscriptions.value.length,
      ready,
      notReady,
      runtimes: runtimes.value,
    },
  };
}
