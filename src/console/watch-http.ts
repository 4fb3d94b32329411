/** The routes of the watching half, on a listener whose hooks have checked who asks. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { isObject } from '../function/is-object.ts';
import type { FailureCode } from '../failures/catalogue.ts';
import { toProblem } from '../failures/problem.ts';
import { toCallRow } from './call-row.ts';
import type { FunctionRow } from './console-source.ts';
import { listStanding } from './list-standing.ts';
import { toLogRows } from './log-rows.ts';
import { pageOf, readPageWish } from './page-of-list.ts';
import { readInvokeOrder } from './read-invoke-order.ts';
import type { PlainObject, PlainQuery, RouteRow, WatchAnswer, WatchSource } from './watch-source.ts';

interface Asked {
  readonly Querystring: PlainQuery;
}
interface Sent {
  readonly Body: unknown;
}
interface Named {
  readonly Params: { readonly namespace: string; readonly name: string };
}

const labelPattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const codes = {
  400: 'RequestInvalid',
  404: 'RecordNotFound',
  409: 'Conflict',
  503: 'Overloaded',
} as const satisfies Record<number, FailureCode>;

/** Adds the routes. */
export function registerWatching(
  api: FastifyInstance,
  source: WatchSource,
  functions: () => Promise<readonly FunctionRow[]>,
): void {
  api.get<Asked>('/calls', async ({ query }, reply) => {
    const answer = await (query['running'] === 'true' ? source.running(query) : source.calls(query));
    if (!answer.ok) return send(reply, answer);
    return { calls: (answer.value['calls'] as readonly PlainObject[]).map(toCallRow) };
  });
  api.get<Asked>('/logs', async ({ query }, reply) => {
    const answer = await source.calls({ ...query, logged: 'true' });
    if (!answer.ok) return send(reply, answer);
    return { lines: toLogRows(answer.value['calls'] as readonly PlainObject[]) };
  });
  api.get<Asked>('/explain', async ({ query: { id = '', namespace } }, reply) =>
    namespace === undefined
      ? send(reply, await source.explain(undefined, id))
      : send(reply, await within(namespace, (own) => source.explain(own, id))),
  );
  api.get<Asked>('/deliveries', async ({ query: { namespace, ...rest } }, reply) =>
    namespace === undefined || namespace === ''
      ? send(reply, await source.deliveries(undefined, rest))
      : send(reply, await within(namespace, (own) => source.deliveries(own, rest))),
  );
  api.get<Asked>('/delivery', async ({ query: { namespace, id = '' } }, reply) =>
    send(reply, await within(namespace, (own) => source.delivery(own, id))),
  );
  api.post<Sent>('/replay', async ({ body }, reply) =>
    send(reply, await act(body, (namespace, wish) => source.replay(namespace, wish))),
  );
  api.get<Asked>('/replay', async ({ query: { namespace, generation = '' } }, reply) =>
    send(reply, await within(namespace, (own) => source.replayStatus(own, Number(generation)))),
  );
  api.post<Sent>('/cancel', async ({ body }, reply) =>
    send(reply, await act(body, (namespace, selection) => source.cancel(namespace, selection))),
  );
  registerResources(api, source, functions);
  registerKeys(api, source);
  api.post<Sent>('/invoke', async ({ body }, reply) => {
    const order = readInvokeOrder(body);
    if (typeof order === 'string') return send(reply, { ok: false, status: 400, message: order });
    return send(reply, await source.invoke(order));
  });
}

function registerResources(
  api: FastifyInstance,
  source: WatchSource,
  functions: () => Promise<readonly FunctionRow[]>,
): void {
  api.get('/subscriptions', async (_request, reply) => send(reply, await source.subscriptions()));
  api.get<Named>('/subscriptions/:namespace/:name', async ({ params: { namespace, name } }, reply) =>
    send(reply, await within(namespace, (own) => source.subscription(own, name))),
  );
  api.post<Named>('/subscriptions/:namespace/:name/ping', async ({ params: { namespace, name } }, reply) =>
    send(reply, await within(namespace, (own) => source.ping(own, name))),
  );
  api.post<Sent>('/suspend', async ({ body }, reply) => {
    const answer = await act(body, async (namespace, { kind, name, suspend }) => {
      if (
        (kind !== 'function' && kind !== 'subscription') ||
        typeof name !== 'string' ||
        typeof suspend !== 'boolean'
      ) {
        return { ok: false, status: 400, message: 'say kind (function or subscription), name and suspend' };
      }
      return source.suspend(kind, namespace, name, suspend);
    });
    return send(reply, answer);
  });
  api.get<Asked>('/routes', async ({ query }, reply) => {
    const wish = readPageWish(query);
    if (typeof wish === 'string') return send(reply, { ok: false, status: 400, message: wish });
    return pageOf(await source.routes(), wish, textOfRoute);
  });
  api.post<Sent>('/routes/explain', async ({ body }, reply) =>
    typeof body === 'object' && body !== null
      ? send(reply, await source.explainRequest(body as PlainObject))
      : send(reply, { ok: false, status: 400, message: 'send the request as JSON' }),
  );
  api.get<Asked>('/schedules', async ({ query }, reply) => {
    const wish = readPageWish(query);
    if (typeof wish === 'string') return send(reply, { ok: false, status: 400, message: wish });
    return source.schedules(wish);
  });
  api.get<Asked>('/standing', async ({ query }, reply) => {
    const wish = readPageWish(query);
    if (typeof wish === 'string') return send(reply, { ok: false, status: 400, message: wish });
    return listStanding(await functions(), source.measures?.functions() ?? new Map(), wish, query['order']);
  });
  api.get('/measures', async () => source.measures?.measures() ?? { everyMs: 0, times: [], series: {} });
}

function registerKeys(api: FastifyInstance, source: WatchSource): void {
  api.get<Asked>('/keys', async ({ query: { namespace, ...rest } }, reply) =>
    send(reply, await within(namespace, (own) => source.keys(own, rest))),
  );
  api.put<Sent>('/keys', async ({ body }, reply) =>
    send(reply, await act(body, (namespace, write) => source.setKey(namespace, write))),
  );
  api.delete<Asked>('/keys', async ({ query: { namespace, ...rest } }, reply) =>
    send(reply, await within(namespace, (own) => source.deleteKey(own, rest))),
  );
}

/** A namespace is checked before anything is looked up by it. */
async function within(
  namespace: string | undefined,
  ask: (namespace: string) => Promise<WatchAnswer>,
): Promise<WatchAnswer> {
  if (namespace !== undefined && labelPattern.test(namespace)) return ask(namespace);
  return { ok: false, status: 400, message: `${JSON.stringify(namespace ?? '')} is not the name of a namespace` };
}

/** What acts names its namespace in its body. */
async function act(
  body: unknown,
  ask: (namespace: string, fields: PlainObject) => Promise<WatchAnswer>,
): Promise<WatchAnswer> {
  if (!isObject(body)) {
    return { ok: false, status: 400, message: 'send an object as JSON' };
  }
  const { namespace, ...fields } = body;
  return within(typeof namespace === 'string' ? namespace : undefined, (own) => ask(own, fields));
}

function send(reply: FastifyReply, answer: WatchAnswer): FastifyReply {
  if (answer.ok) return reply.send(answer.value);
  const problem = toProblem(codes[answer.status], answer.message);
  return reply.code(problem.status).type('application/problem+json').send(problem);
}

function textOfRoute({ host = '', path, methods, namespace, name, trigger, receiver }: RouteRow): string {
  return `${host}${path} ${methods.join(' ')} ${namespace}/${name} ${trigger} ${receiver}`;
}
