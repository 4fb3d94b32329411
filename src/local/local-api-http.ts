/** The local API over HTTP, below `/-/api` of the admin listener: start-up token, loopback Host, no page of another origin. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authorizeCall, authorizePlace } from '../runtime/authorize-call.ts';
import {
  describeFunction,
  followCalls,
  getStatus,
  getTable,
  listFunctions,
  stateOf,
  unknownFunction,
  type LocalView,
} from './local-api.ts';
import { listCalls, listRunningCalls, readFilter } from '../runtime/live/call-answers.ts';
import { explainRequest, type SupposedRequest } from '../runtime/live/explain-request.ts';
import type { LiveAnswer } from '../link/live-questions.ts';
import { problemReply } from './answer-http.ts';
import { registerRunApi } from './run-api-http.ts';
import { registerSnapshot } from '../runtime/snapshot-http.ts';
import { describeSubscription, listSubscriptions, pingSubscription } from './subscription-api.ts';

type Query = Readonly<Record<string, string | undefined>>;
type Names = { readonly namespace: string; readonly name: string };

/** A request to explain holds a captured body: as large as the largest that a function may take, in base64. */
const explainBodyLimit = 24 * 1024 * 1024;
/** A line now and then tells a follower's proxy, and us, that the connection lives. */
const keepAliveMs = 15_000;
const maxBehindBytes = 8 * 1024 * 1024;

/** Adds the routes; `port` answers the listener's own port. */
export function registerLocalApi(
  app: FastifyInstance,
  options: { readonly view: LocalView; readonly token: string; port(): number },
): void {
  const { view, token } = options;
  // Metrics and health as well: they name functions, and this listener never leaves the machine.
  app.addHook('onRequest', async (request, reply) => {
    const verdict = authorizePlace(request.headers, options.port());
    if (!verdict.ok) await problemReply(reply, verdict.code, verdict.publicDetail);
  });
  void app.register(
    async (api) => {
      api.addHook('onRequest', async (request, reply) => {
        const verdict = authorizeCall(request.headers, token, options.port());
        reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
        if (!verdict.ok) await problemReply(reply, verdict.code, verdict.publicDetail);
      });
      api.get('/status', async (_request, reply) => send(reply, getStatus(view)));
      api.get('/table', async (_request, reply) => send(reply, getTable(view)));
      api.get<{ Querystring: Query }>('/functions', async ({ query }, reply) =>
        send(reply, listFunctions(view, query['namespace'])),
      );
      api.get<{ Params: Names }>('/functions/:namespace/:name', async ({ params }, reply) =>
        send(reply, await describeFunction(view, params.namespace, params.name)),
      );
      api.get<{ Querystring: Query }>('/subscriptions', async ({ query }, reply) =>
        send(reply, await listSubscriptions(view, query['namespace'])),
      );
      api.get<{ Params: Names }>('/subscriptions/:namespace/:name', async ({ params }, reply) =>
        send(reply, await describeSubscription(view, params.namespace, params.name)),
      );
      api.post<{ Params: Names }>('/subscriptions/:namespace/:name/ping', async ({ params }, reply) =>
        send(reply, await pingSubscription(view, params.namespace, params.name)),
      );
      api.get<{ Querystring: Query }>('/calls', async (request, reply) => calls(request, reply, view));
      registerRunApi(api, view);
      registerSnapshot(api, view);
      api.post<{ Params: Names; Body: unknown }>(
        '/functions/:namespace/:name/explain',
        { bodyLimit: explainBodyLimit },
        async ({ params, body }, reply) => {
          if (typeof body !== 'object' || body === null)
            return problemReply(reply, 'RequestInvalid', 'send the request as JSON');
          const state = stateOf(view, params.namespace, params.name);
          if (state === undefined) return send(reply, unknownFunction(view, params.namespace, params.name));
          return send(reply, await explainRequest(view, state.verdict, body as SupposedRequest));
        },
      );
    },
    { prefix: '/-/api' },
  );
}

async function calls(request: FastifyRequest<{ Querystring: Query }>, reply: FastifyReply, view: LocalView) {
  const filter = readFilter(request.query);
  if (typeof filter === 'string') return problemReply(reply, 'RequestInvalid', filter);
  if (request.query['running'] === 'true') return send(reply, await listRunningCalls(view, filter));
  if (request.query['follow'] !== 'true') return send(reply, await listCalls(view, filter));
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  // Sent at once: a follower knows from here on nothing is missed.
  raw.write('\n');
  const stop = followCalls(view, filter, (record) => {
    // A reader that does not keep up would be kept in memory.
    if (raw.writableLength > maxBehindBytes) raw.destroy();
    else raw.write(`${JSON.stringify(record)}\n`);
  });
  const alive = setInterval(() => raw.write('\n'), keepAliveMs);
  raw.on('close', () => {
    clearInterval(alive);
    stop();
  });
  return reply;
}

function send(reply: FastifyReply, answer: LiveAnswer): FastifyReply {
  if (answer.status === 200) return reply.send(answer.body);
  return problemReply(reply, answer.status === 404 ? 'FunctionNotFound' : answer.status, answer.message);
}
