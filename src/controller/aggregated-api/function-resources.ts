/** Below `functions`: stories, calls in the user's name, events for the bus, keys. */
import type { AskedNamespace, LiveAct, PassedResponse } from '../../link/live-questions.ts';
import { actIn, askIn } from './act-resources.ts';
import { believeCalls, believeDeliveries, servedBy } from './believe-rows.ts';
import { isRefusal, refusal, type Refusal } from './api-status.ts';
import { depthFor, type Answered, type ApiParts, type Fields, type Handler } from './handler.ts';
import { readBody, unknownField } from './read-body.ts';
import { runVersion } from './read-path.ts';
import { anyName } from './resource-catalogue.ts';
import { findStanding } from './standing-resources.ts';

/** The story of an id, whatever it names; without a namespace wherever it is known. */
export const explainId: Handler = async (parts, asking) => {
  const { query, name, namespace: wanted } = asking.request;
  const id = query.get('id') ?? '';
  if (id === '' || name !== anyName) return refusal(400, 'the story of an id: functions/-/explain?id=ID');
  const namespace = wanted === undefined ? undefined : await parts.namespaceOf(wanted);
  if (namespace !== undefined && isRefusal(namespace)) return namespace;
  const depth = await depthFor(asking, anyName);
  const scope = namespace === undefined ? {} : { namespace };
  let last = refusal(503, 'no runtime has a link to this controller', { retryAfterSeconds: 1 });
  for (const group of parts.groupsOf(namespace)) {
    const asked = await parts.runtimes.query(group, { op: 'explain', ...scope, id, depth }, asking.signal);
    if (asked.ok) return explanation(believedStory(parts, group, namespace, asked.body), id, wanted);
    last = asked.refusal;
    if (last.status !== 404) return last;
  }
  return last;
};

/** The rows of a story that are believed; its lines are words, which nobody acts on. */
function believedStory(
  parts: ApiParts,
  group: string,
  namespace: AskedNamespace | undefined,
  { calls, deliveries, ...rest }: Fields,
): Fields {
  const border = { namespace, serves: servedBy(parts, group) };
  const told = { calls: believeCalls(calls, border), deliveries: believeDeliveries(deliveries, border) };
  const refused = told.calls.refused + told.deliveries.refused;
  if (refused > 0) parts.onRefusedRows(group, refused);
  return { ...rest, calls: told.calls.rows, deliveries: told.deliveries.rows };
}

/** What would happen to a request that was not sent. */
export const explainRequest: Handler = async (parts, asking) => {
  const found = findStanding(parts, asking.request, 'WebhookFunction');
  if (isRefusal(found)) return found;
  const request = readBody(asking);
  if (isRefusal(request)) return request;
  const unknown = unknownField(request, ['method', 'url', 'headers', 'body', 'bodyBase64']);
  if (unknown !== undefined) return refusal(400, unknown);
  if (typeof request['method'] !== 'string' || typeof request['url'] !== 'string') {
    return refusal(400, 'a request has a method and a url');
  }
  const { uid } = found.object.metadata;
  const urls = found.verdict?.urls ?? [];
  return askIn(parts, asking, 'Explanation', (namespace) => ({ op: 'explainRequest', namespace, uid, urls, request }));
};

function explanation(body: Fields, name: string, namespace: string | undefined): Answered {
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
  return { kind: 'object', object: { ...body, apiVersion: runVersion, kind: 'Explanation', metadata } };
}

const invocationFields = ['trigger', 'method', 'path', 'headers', 'body', 'bodyBase64', 'async'];
/** Set by whoever makes the request, never by whoever asks for it. */
const ownHeaders =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|expect|proxy-.*|authorization|x-moonhook-trigger)$/i;

/** Calls a function as the user; its answer is what it answered, whatever the status. */
export const invoke: Handler = async (parts, asking) => {
  const found = findStanding(parts, asking.request, 'WebhookFunction');
  if (isRefusal(found)) return found;
  const body = readBody(asking);
  if (isRefusal(body)) return body;
  const { name, namespace = '' } = found.object.metadata;
  const read = readInvocation(body);
  if ('message' in read) return read;
  const verb = body['async'] === true ? 'async-function' : 'function';
  const path = `/${verb}/${namespace}/${name}${read.path}`;
  return actIn(parts, asking, 'Invocation', (own) => ({
    op: 'request',
    namespace: own,
    principal: asking.user,
    method: read.method,
    path,
    headers: read.headers,
    ...(read.bodyBase64 === undefined ? {} : { bodyBase64: read.bodyBase64 }),
  }));
};

type Invocation = Pick<LiveAct & { readonly op: 'request' }, 'method' | 'path' | 'headers' | 'bodyBase64'>;

function readInvocation(body: Fields): Invocation | Refusal {
  const unknown = unknownField(body, invocationFields);
  if (unknown !== undefined) return refusal(400, unknown);
  const { trigger, method = 'POST', path = '', headers = {}, body: text, bodyBase64 } = body;
  if (typeof method !== 'string' || !/^[A-Z]{1,16}$/.test(method)) return refusal(400, 'method is not one');
  if (typeof path !== 'string' || !/^(?:\/[^\s#]*)?$/.test(path))
    return refusal(400, 'path begins with / and holds no space');
  if (path.split(/[/\\?]/).some((part) => /^(?:\.|%2e){1,2}$/i.test(part))) return refusal(400, 'path leads elsewhere');
  if (
    typeof headers !== 'object' ||
    headers === null ||
    Object.values(headers).some((value) => typeof value !== 'string')
  ) {
    return refusal(400, 'headers must be an object of texts');
  }
  if (text !== undefined && (typeof text !== 'string' || bodyBase64 !== undefined)) {
    return refusal(400, 'body is text; other bytes go into bodyBase64');
  }
  if (bodyBase64 !== undefined && typeof bodyBase64 !== 'string') return refusal(400, 'bodyBase64 is text');
  const sent = Object.entries(headers as Readonly<Record<string, string>>);
  const bad = sent.find(([name, value]) => !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[\r\n\0]/.test(value));
  if (bad !== undefined) return refusal(400, `${JSON.stringify(bad[0])} is no header`);
  const kept = sent.filter(([name]) => !ownHeaders.test(name));
  if (trigger !== undefined && (typeof trigger !== 'string' || !/^[a-z0-9][-a-z0-9_.]*$/.test(trigger))) {
    return refusal(400, 'trigger is the name of one');
  }
  const content = text === undefined ? bodyBase64 : Buffer.from(text).toString('base64');
  return {
    method,
    path,
    headers: [...kept, ...(trigger === undefined ? [] : [['x-moonhook-trigger', trigger] as const])],
    ...(content === undefined ? {} : { bodyBase64: content }),
  };
}

/** Puts an event on the bus of the namespace (CloudEvents 1.0, its JSON form); `specversion` may be left out. */
export const publish: Handler = async (parts, asking) => {
  // Whoever asks for it must not have the event stored; who may publish may not therefore see who listens.
  if (asking.request.query.has('dryRun')) return refusal(400, 'events know no dryRun');
  const event = readBody(asking);
  if (isRefusal(event)) return event;
  const body = Buffer.from(JSON.stringify({ specversion: '1.0', ...event })).toString('base64');
  const answer = await actIn(parts, asking, 'Event', (namespace) => ({
    op: 'request',
    namespace,
    principal: asking.user,
    method: 'POST',
    path: `/events/${namespace.name}`,
    headers: [['content-type', 'application/cloudevents+json']],
    bodyBase64: body,
  }));
  if (isRefusal(answer) || answer.kind !== 'object') return answer;
  const { status, headers, bodyBase64 } = answer.object as unknown as PassedResponse;
  const said = readBody({ body: Buffer.from(bodyBase64, 'base64') });
  if (isRefusal(said) || status >= 400) {
    const detail = isRefusal(said) ? undefined : (said['detail'] ?? said['title']);
    return refusal(status >= 400 ? status : 500, typeof detail === 'string' ? detail : `the answer is ${status}`);
  }
  const { metadata } = answer.object as { readonly metadata: Fields };
  const own = { ...metadata, name: String(said['id']) };
  const duplicateOf = headers.find(([name]) => name === 'x-moonhook-duplicate-of')?.[1];
  const repeated = duplicateOf === undefined ? {} : { duplicateOf };
  const object = { ...said, ...repeated, apiVersion: runVersion, kind: 'Event', metadata: own };
  return { kind: 'object', status: 201, object };
};

/** Whose keys: of the function that the path names, or with `-` shared ones of the namespace. */
function keySpace(name: string, fields: Fields): Fields | Refusal {
  const { function: own, shared, ...rest } = fields;
  if (own !== undefined) return refusal(400, 'name the function in the path');
  if (name !== anyName) {
    return shared === undefined ? { ...rest, function: name } : refusal(400, 'shared keys are at functions/-/kv');
  }
  return shared === undefined
    ? refusal(400, 'functions/-/kv is for shared keys: name them with shared')
    : { ...rest, shared };
}

const queryOf = (query: URLSearchParams): Record<string, string> => Object.fromEntries(query);

export const readKeys: Handler = async (parts, asking) => {
  const { name = '', query } = asking.request;
  const space = keySpace(name, queryOf(query));
  if (isRefusal(space)) return space;
  return askIn(parts, asking, 'KeyValue', (namespace) => ({
    op: 'readKeys',
    namespace,
    query: space as Record<string, string>,
  }));
};

export const setKey: Handler = async (parts, asking) => {
  const fields = readBody(asking);
  if (isRefusal(fields)) return fields;
  const unknown = unknownField(fields, ['key', 'value', 'ttlMs', 'version', 'shared']);
  if (unknown !== undefined) return refusal(400, unknown);
  const body = keySpace(asking.request.name ?? '', fields);
  if (isRefusal(body)) return body;
  return actIn(parts, asking, 'KeyValue', (namespace) => ({ op: 'setKey', namespace, body }));
};

export const deleteKey: Handler = async (parts, asking) => {
  const { name = '', query } = asking.request;
  const space = keySpace(name, queryOf(query));
  if (isRefusal(space)) return space;
  return actIn(parts, asking, 'KeyValue', (namespace) => ({
    op: 'deleteKey',
    namespace,
    query: space as Record<string, string>,
  }));
};
