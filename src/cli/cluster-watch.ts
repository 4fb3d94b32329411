/** What the console of a cluster watches and acts on: the aggregated API, with the rights of the kubeconfig and no others. */
import { compareTexts } from '../function/compare-texts.ts';
import { pageOf } from '../console/page-of-list.ts';
import type { RouteRow, ScheduleRow, WatchAnswer, WatchSource } from '../console/watch-source.ts';
import { resourcePath } from '../controller/kube-answer.ts';
import type { ClusterDesk } from './ask-cluster.ts';
import type { Answered } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import type { KeySpace, PlainObject, Query, RunClient } from './run-client.ts';
import { shownResponse } from './shown-response.ts';

/** Calls have no pages there: the newest so many are all that can be read. */
const mostCalls = 1_000;

/** `scope`: the namespace that is watched; undefined: all of them, for whoever may list them. */
export function clusterWatch(
  client: RunClient,
  desk: Pick<ClusterDesk, 'ask'>,
  scope: string | undefined,
): WatchSource {
  return {
    calls: (query) => readCalls(client, scope, query),
    running: (query) => readCalls(client, scope, { ...query, running: 'true' }),
    explain: (namespace, id) => answerOf(client.explain(namespace ?? scope, id)),
    deliveries: (namespace, query) => answerOf(client.listDeliveries(namespace ?? scope, given(query))),
    delivery: (namespace, id) => answerOf(client.describeDelivery(namespace, id, false)),
    replay: (namespace, wish) => answerOf(client.replay(namespace, wish)),
    replayStatus: (namespace, generation) => answerOf(client.replayStatus(namespace, generation)),
    cancel: (namespace, selection) => answerOf(client.cancel(namespace, selection)),
    subscriptions: () => answerOf(named('subscriptions', client.listSubscriptions(scope))),
    subscription: (namespace, name) => answerOf(client.describe('subscription', namespace, name)),
    ping: (namespace, name) => answerOf(client.ping(namespace, name)),
    routes: () => listRoutes(desk, scope),
    explainRequest: (request) => explainRequest(client, desk, scope, request),
    schedules: async (page) =>
      pageOf(await listSchedules(client, scope), page, (row) => `${row.namespace}/${row.name} ${row.trigger}`),
    keys: (namespace, { function: own, shared, ...query }) => {
      const space: KeySpace = shared === undefined ? { function: own ?? '' } : { shared };
      return answerOf(client.readKeys(namespace, space, given(query)));
    },
    setKey: (namespace, { function: own, shared, ...write }) =>
      answerOf(client.setKey(namespace, spaceOf(own, shared), write as Parameters<RunClient['setKey']>[2])),
    deleteKey: (namespace, { function: own, shared, key = '', version }) =>
      answerOf(
        client.deleteKey(namespace, spaceOf(own, shared), { key, ...(version === undefined ? {} : { version }) }),
      ),
    suspend: (kind, namespace, name, suspend) => answerOf(client.setSuspend(kind, namespace, name, suspend)),
    invoke: async ({ namespace, name, trigger, method, path = '', contentType, body, later = false }) => {
      const headers = new Headers();
      if (contentType !== undefined) headers.set('content-type', contentType);
      if (trigger !== undefined) headers.set('x-moonhook-trigger', trigger);
      const content = body === undefined ? {} : { body: Buffer.from(body) };
      const answer = await client.invoke({ namespace, name, asynchronous: later, method, path, headers, ...content });
      return answer.ok ? { ok: true, value: await shownResponse(answer.value) } : refusalOf(answer);
    },
  };
}

async function readCalls(
  client: RunClient,
  scope: string | undefined,
  { until, limit = '100', namespace = scope, ...query }: Readonly<Record<string, string | undefined>>,
): Promise<WatchAnswer> {
  const wanted = until === undefined ? limit : String(mostCalls);
  const asked = given({ ...query, namespace, limit: wanted });
  const answer = await client.listCalls(asked);
  if (!answer.ok) return refusalOf(answer);
  const older = until === undefined ? answer.value : answer.value.filter(({ time }) => time <= Number(until));
  return { ok: true, value: { calls: older.slice(0, Number(limit)) } };
}

interface PlainRoute {
  readonly metadata: { readonly namespace: string };
  readonly function: string;
  readonly trigger: string;
  readonly host: string;
  readonly path: string;
  readonly methods: readonly string[];
  readonly receiver: string;
  readonly mode: 'sync' | 'async';
  readonly unresolved?: { readonly reason: string; readonly message: string };
}

async function listRoutes(desk: Pick<ClusterDesk, 'ask'>, scope: string | undefined): Promise<readonly RouteRow[]> {
  const path = resourcePath({ apiVersion: 'run.moonhook.dev/v1alpha1', resource: 'routes', namespace: scope });
  const answer = await desk.ask({ path });
  if (!answer.ok) throw new Error(answer.message);
  const rows = (answer.value['items'] as readonly PlainRoute[]).map(
    ({ metadata, function: name, trigger, host, path: own, methods, receiver, mode, unresolved }): RouteRow => ({
      namespace: metadata.namespace,
      name,
      trigger,
      ...(host === '*' ? {} : { host }),
      path: own,
      methods,
      receiver,
      mode,
      ...(unresolved === undefined ? {} : { problem: `${unresolved.reason}: ${unresolved.message}` }),
    }),
  );
  return rows.toSorted((one, other) => compareTexts(one.path, other.path));
}

/** A question there is about one function: the one whose route begins as the path does, else any, which tells who takes it. */
async function explainRequest(
  client: RunClient,
  desk: Pick<ClusterDesk, 'ask'>,
  scope: string | undefined,
  request: PlainObject,
): Promise<WatchAnswer> {
  const routes = await listRoutes(desk, scope);
  const path = URL.parse(String(request['url']), 'http://localhost')?.pathname ?? '';
  const shared = (route: RouteRow): number => {
    const [one, other] = [route.path.split('/'), path.split('/')];
    const differs = one.findIndex((part, index) => part !== other[index] && !/^[:*]/.test(part));
    return differs === -1 ? one.length + 1 : differs;
  };
  const [nearest] = routes.toSorted((one, other) => shared(other) - shared(one));
  if (nearest === undefined) return { ok: false, status: 404, message: 'no function of this namespace has a route' };
  return answerOf(client.explainRequest(nearest.namespace, nearest.name, request));
}

/** Those that run soonest first. How each ran last is among the calls of its function. */
async function listSchedules(client: RunClient, scope: string | undefined): Promise<readonly ScheduleRow[]> {
  const functions = await client.listFunctions(scope);
  if (!functions.ok) throw new Error(functions.message);
  const scheduled = functions.value.filter(({ triggers }) => triggers.some(({ kind }) => kind === 'schedule'));
  const rows = scheduled.map(async ({ namespace, name }): Promise<readonly ScheduleRow[]> => {
    const own = await client.describe('function', namespace, name);
    if (!own.ok) return [];
    return (own.value.schedules ?? []).map((each) => ({ ...each, namespace, name }));
  });
  const all = (await Promise.all(rows)).flat();
  return all.toSorted((one, other) => compareTexts(one.next ?? '~', other.next ?? '~'));
}

function spaceOf(own: unknown, shared: unknown): KeySpace {
  return typeof shared === 'string' ? { shared } : { function: String(own) };
}

/** Without members that are undefined or empty. */
function given(query: Readonly<Record<string, string | undefined>>): Query {
  return Object.fromEntries(
    Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== ''),
  );
}

async function named(name: string, asked: Promise<Answered<readonly PlainObject[]>>): Promise<Answered<PlainObject>> {
  const answer = await asked;
  return answer.ok ? { ok: true, value: { [name]: answer.value } } : answer;
}

async function answerOf(asked: Promise<Answered<PlainObject>>): Promise<WatchAnswer> {
  const answer = await asked;
  return answer.ok ? answer : refusalOf(answer);
}

const statusOf: ReadonlyMap<number, 400 | 404 | 503> = new Map([
  [exitCodes.notFound, 404],
  [exitCodes.unusable, 400],
  [exitCodes.notRunning, 503],
]);

function refusalOf({ exitCode, message }: { readonly exitCode: number; readonly message: string }): WatchAnswer {
  return { ok: false, status: statusOf.get(exitCode) ?? 409, message };
}
