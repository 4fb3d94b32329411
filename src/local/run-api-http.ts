/** Deliveries, replays, key-value rows and suspension over HTTP: a namespace in each path that acts, as `run.moonhook.dev` has it. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { problemReply } from './answer-http.ts';
import { cancelReplay, cancelWaiting, getReplay, replayDeliveries } from '../runtime/live/act-answers.ts';
import { describeDelivery, explainId, listDeliveries, readDeliveryQuery } from '../runtime/live/delivery-answers.ts';
import { deleteKeyValue, readKeyValues, setKeyValue } from '../runtime/live/key-value-answers.ts';
import type { LiveAnswer } from '../link/live-questions.ts';
import { tellRefusal } from '../runtime/live/tell-refusal.ts';
import type { LocalView } from './local-api.ts';
import { setSuspend } from './suspend-api.ts';

type Query = Readonly<Record<string, string | undefined>>;
type Fields = Readonly<Record<string, unknown>>;
interface InNamespace {
  readonly Params: { readonly namespace: string };
  readonly Querystring: Query;
}
interface Acting extends InNamespace {
  readonly Body: unknown;
}
interface Named extends Acting {
  readonly Params: { readonly namespace: string; readonly kind: string; readonly name: string };
}
interface OfReplay {
  readonly Params: { readonly namespace: string; readonly generation: string };
}

/** The largest value of a key, as JSON inside JSON. */
const valueBodyLimit = 2 * 1024 * 1024;
const labelPattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** Adds the routes to a context whose hooks have checked who asks. */
export function registerRunApi(api: FastifyInstance, view: LocalView): void {
  const send = (reply: FastifyReply, answer: LiveAnswer): FastifyReply =>
    answer.status === 200
      ? reply.send(answer.body)
      : problemReply(reply, answer.status === 404 ? 'RecordNotFound' : answer.status, answer.message);
  /** Everything below a namespace: its name is checked before anything is looked up by it. */
  const within = (namespace: string, ask: () => Promise<LiveAnswer>): Promise<LiveAnswer> =>
    labelPattern.test(namespace)
      ? tellRefusal(ask)
      : Promise.resolve({ status: 400, message: `${JSON.stringify(namespace)} is not the name of a namespace` });
  const withFields = async (body: unknown, ask: (fields: Fields) => Promise<LiveAnswer>): Promise<LiveAnswer> =>
    typeof body === 'object' && body !== null && !Array.isArray(body)
      ? ask(body as Fields)
      : { status: 400, message: 'send an object as JSON' };
  const list = async (namespace: string | undefined, query: Query): Promise<LiveAnswer> => {
    const read = readDeliveryQuery(query);
    return typeof read === 'string' ? { status: 400, message: read } : listDeliveries(view, namespace, read);
  };

  api.get<{ Querystring: Query }>('/deliveries', async ({ query }, reply) => send(reply, await list(undefined, query)));
  api.get<InNamespace>('/namespaces/:namespace/deliveries', async ({ params: { namespace }, query }, reply) =>
    send(reply, await within(namespace, () => list(namespace, query))),
  );
  // Ids of strangers go into the query: a path would have to be as long as they are.
  api.get<InNamespace>('/namespaces/:namespace/delivery', async ({ params: { namespace }, query }, reply) =>
    send(
      reply,
      await within(namespace, () => describeDelivery(view, namespace, query['id'] ?? '', query['body'] === 'true')),
    ),
  );
  api.get<{ Querystring: Query }>('/explain', async ({ query: { id = '', namespace } }, reply) => {
    const ask = (): Promise<LiveAnswer> => explainId(view, namespace, id);
    return send(reply, await (namespace === undefined ? ask() : within(namespace, ask)));
  });
  api.post<Acting>('/namespaces/:namespace/replay', async ({ params: { namespace }, body }, reply) =>
    send(reply, await within(namespace, () => withFields(body, (fields) => replayDeliveries(view, namespace, fields)))),
  );
  api.post<Acting>('/namespaces/:namespace/cancel', async ({ params: { namespace }, body }, reply) =>
    send(reply, await within(namespace, () => withFields(body, (fields) => cancelWaiting(view, namespace, fields)))),
  );
  for (const [method, ask] of [
    ['GET', getReplay],
    ['DELETE', cancelReplay],
  ] as const) {
    api.route<OfReplay>({
      method,
      url: '/namespaces/:namespace/replays/:generation',
      handler: async ({ params: { namespace, generation } }, reply) =>
        send(reply, await within(namespace, () => ask(view, namespace, Number(generation)))),
    });
  }
  api.get<InNamespace>('/namespaces/:namespace/kv', async ({ params: { namespace }, query }, reply) =>
    send(reply, await within(namespace, () => readKeyValues(view, namespace, query))),
  );
  api.put<Acting>(
    '/namespaces/:namespace/kv',
    { bodyLimit: valueBodyLimit },
    async ({ params: { namespace }, body }, reply) =>
      send(reply, await within(namespace, () => withFields(body, (fields) => setKeyValue(view, namespace, fields)))),
  );
  api.delete<InNamespace>('/namespaces/:namespace/kv', async ({ params: { namespace }, query }, reply) =>
    send(reply, await within(namespace, () => deleteKeyValue(view, namespace, query))),
  );
  api.put<Named>('/namespaces/:namespace/:kind/:name/suspend', async ({ params, body }, reply) => {
    const { namespace, kind, name } = params;
    const asked =
      kind === 'functions' || kind === 'subscriptions'
        ? within(namespace, () =>
            withFields(body, (fields) =>
              setSuspend(view, kind === 'functions' ? 'function' : 'subscription', namespace, name, fields),
            ),
          )
        : Promise.resolve<LiveAnswer>({ status: 404, message: 'only functions and subscriptions can be suspended' });
    return send(reply, await asked);
  });
}
