/** The running `moonhook dev` of a data directory, asked over its API. */
import type { PlainCall } from './call-lines.ts';
import { askApi, askApiRaw, askProcess, findDevProcess, readLines, refusalOf, type Answered } from './dev-client.ts';
import { readRunAnswer } from './check-answer.ts';
import { exitCodes } from './exit-codes.ts';
import type { Foresight } from './run-answers.ts';
import type { CallQuery, PlainObject, Query, RunClient } from './run-client.ts';

export function connectLocalRun(dataDirectory: string | undefined): RunClient {
  const ask = <Value extends PlainObject>(path: string, query: Query = {}): Promise<Answered<Value>> =>
    askApi(`${path}${queryOf(query)}`, dataDirectory);
  const send = <Value extends PlainObject>(method: string, path: string, body: unknown): Promise<Answered<Value>> =>
    askApi(path, dataDirectory, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const below = (namespace: string, path: string): string => `/namespaces/${encodeURIComponent(namespace)}${path}`;
  const list = async <Item>(path: string, field: string, query: Query): Promise<Answered<readonly Item[]>> => {
    const answer = await askApi(`${path}${queryOf(query)}`, dataDirectory, {}, field);
    return answer.ok ? { ok: true, value: answer.value[field] as readonly Item[] } : answer;
  };
  const sendEvent = async (namespace: string, event: PlainObject, query: string): Promise<Answered<Response>> => {
    const found = findDevProcess(dataDirectory);
    if (!found.ok) return found;
    const url = `${found.value.callUrl}/events/${encodeURIComponent(namespace)}${query}`;
    const answer = await askProcess(url, found.value.token, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({ specversion: '1.0', ...event }),
    });
    return answer.ok && !answer.value.ok ? refusalOf(answer.value) : answer;
  };
  const scope = (namespace: string | undefined): Query => (namespace === undefined ? {} : { namespace });
  return {
    label: 'the run of this folder',
    listFunctions: (namespace) => list('/functions', 'functions', scope(namespace)),
    listSubscriptions: (namespace) => list('/subscriptions', 'subscriptions', scope(namespace)),
    describe: (kind, namespace, name) => ask(`/${kind}s/${namespace}/${name}`),
    listCalls: (query) => list('/calls', 'calls', plainQuery(query)),
    async followCalls(query, signal) {
      const path = `/calls${queryOf({ ...plainQuery(query), follow: 'true' })}`;
      const answer = await askApiRaw(path, dataDirectory, { signal });
      return answer.ok ? { ok: true, value: readLines(answer.value) as AsyncIterable<PlainCall> } : answer;
    },
    listDeliveries: (namespace, query) =>
      ask(namespace === undefined ? '/deliveries' : below(namespace, '/deliveries'), query),
    describeDelivery: (namespace, id, body) =>
      ask(below(namespace, '/delivery'), { id, ...(body ? { body: 'true' } : {}) }),
    explain: (namespace, id) => ask('/explain', { id, ...scope(namespace) }),
    explainRequest: (namespace, name, request) => send('POST', `/functions/${namespace}/${name}/explain`, request),
    async invoke(order) {
      const found = findDevProcess(dataDirectory);
      if (!found.ok) return found;
      const { namespace, name, asynchronous, method, path, headers, body } = order;
      const verb = asynchronous ? 'async-function' : 'function';
      const url = `${found.value.callUrl}/${verb}/${namespace}/${name}${path}`;
      const init = { method, headers, ...(body === undefined ? {} : { body: new Uint8Array(body) }) };
      return askProcess(url, found.value.token, init);
    },
    async publish(namespace, event) {
      const answer = await sendEvent(namespace, event, '');
      if (!answer.ok) return answer;
      const duplicateOf = answer.value.headers.get('x-moonhook-duplicate-of');
      const told = await readRunAnswer(answer.value);
      return told.ok ? { ok: true, value: { ...told.value, ...(duplicateOf === null ? {} : { duplicateOf }) } } : told;
    },
    async foresee(namespace, event) {
      const answer = await sendEvent(namespace, event, '?dryRun=All');
      if (!answer.ok) return answer;
      return (await readRunAnswer(answer.value)) as Answered<Foresight>;
    },
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
    ping: (namespace, name) => askApi(`/subscriptions/${namespace}/${name}/ping`, dataDirectory, { method: 'POST' }),
    refresh: async () => ({
      ok: false,
      exitCode: exitCodes.unusable,
      message: 'a local run follows its files by itself: `refresh` is for a cluster',
    }),
    status: () => ask('/status'),
  };
}

const plainQuery = (query: CallQuery): Query => ({ ...query });

function queryOf(query: Query): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}
