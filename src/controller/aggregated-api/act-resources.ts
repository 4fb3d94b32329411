/** What may be done: replay, cancel, ping, refresh; each with the rights of what it reaches. */
import { isRefusal, refusal, type Refusal } from './api-status.ts';
import type { Answered, ApiParts, Asking, Fields, Handler } from './handler.ts';
import { runVersion } from './read-path.ts';
import { anyName } from './resource-catalogue.ts';
import { readBody } from './read-body.ts';
import { findStanding } from './standing-resources.ts';
import type { LiveAct, LiveQuery } from '../../link/live-questions.ts';

type Subject = 'function' | 'subscription';

/** One runtime of the namespace's group does it. */
export async function actIn(
  parts: ApiParts,
  asking: Asking,
  kind: string,
  make: (namespace: LiveAct['namespace']) => LiveAct,
): Promise<Answered | Refusal> {
  return within(parts, asking, kind, (namespace, group) => parts.runtimes.act(group, make(namespace), asking.signal));
}

/** One runtime of the namespace's group tells it. */
export async function askIn(
  parts: ApiParts,
  asking: Asking,
  kind: string,
  make: (namespace: LiveAct['namespace']) => LiveQuery,
): Promise<Answered | Refusal> {
  return within(parts, asking, kind, (namespace, group) => parts.runtimes.query(group, make(namespace), asking.signal));
}

async function within(
  parts: ApiParts,
  { request }: Asking,
  kind: string,
  ask: (namespace: LiveAct['namespace'], group: string) => ReturnType<ApiParts['runtimes']['act']>,
): Promise<Answered | Refusal> {
  if (request.namespace === undefined) return refusal(400, `${request.resource} are acted on within a namespace`);
  const namespace = await parts.namespaceOf(request.namespace);
  if (isRefusal(namespace)) return namespace;
  const [group] = parts.groupsOf(namespace);
  if (group === undefined) {
    return refusal(503, 'no runtime has a link to this controller: see the pods of the installation', {
      retryAfterSeconds: 1,
    });
  }
  const asked = await ask(namespace, group);
  if (!asked.ok) return asked.refusal;
  const own = (asked.body['metadata'] ?? {}) as Fields;
  const metadata = { ...own, name: request.name ?? '', namespace: namespace.name };
  const listed = asked.body['items'] === undefined ? kind : `${kind}List`;
  return { kind: 'object', object: { ...asked.body, apiVersion: runVersion, kind: listed, metadata } };
}

/** `replay` and `cancel`: of the one that the path names, or of everything in the namespace (`-`). */
async function selectionOf(asking: Asking, subject: Subject, verb: 'replay' | 'cancel'): Promise<Fields | Refusal> {
  const body = readBody(asking);
  if (isRefusal(body)) return body;
  const { name = '', namespace } = asking.request;
  if (name !== anyName) {
    const other = ['id', 'function', 'subscription'].find((field) => body[field] !== undefined && body[field] !== name);
    if (other !== undefined) return refusal(400, `the path names ${subject} ${name}: leave ${other} out`);
    return { ...body, [subject]: name };
  }
  const named = ['function', 'subscription'].find((field) => body[field] !== undefined);
  if (named !== undefined) return refusal(400, `name the ${named} in the path`);
  // An id or a namespace reaches functions and subscriptions: both rights are needed.
  const other = subject === 'function' ? 'subscriptions' : 'functions';
  const denied = await asking.authorize({
    verb: 'create',
    resource: other,
    subresource: verb,
    name: anyName,
    ...(namespace === undefined ? {} : { namespace }),
  });
  return denied ?? body;
}

export function replay(subject: Subject): Handler {
  return async (parts, asking) => {
    const body = await selectionOf(asking, subject, 'replay');
    if (isRefusal(body)) return body;
    const { to } = body as { readonly to?: { readonly function?: unknown; readonly subscription?: unknown } };
    const { namespace } = asking.request;
    for (const kind of ['function', 'subscription'] as const) {
      const target = typeof to === 'object' && to !== null ? to[kind] : undefined;
      if (typeof target !== 'string') continue;
      const denied = await asking.authorize({
        verb: 'create',
        resource: `${kind}s`,
        subresource: 'replay',
        name: target,
        ...(namespace === undefined ? {} : { namespace }),
      });
      if (denied !== undefined) return denied;
    }
    return actIn(parts, asking, 'Replay', (own) => ({ op: 'replay', namespace: own, body }));
  };
}

export const replayStatus: Handler = async (parts, asking) => {
  const generation = Number(asking.request.query.get('generation') ?? '');
  if (!Number.isSafeInteger(generation) || generation < 1) {
    return refusal(400, 'generation must be the number of a replay');
  }
  return askIn(parts, asking, 'Replay', (namespace) => ({ op: 'replayStatus', namespace, generation }));
};

export function cancel(subject: Subject): Handler {
  return async (parts, asking) => {
    const body = await selectionOf(asking, subject, 'cancel');
    if (isRefusal(body)) return body;
    const { generation } = body;
    if (generation === undefined) {
      return actIn(parts, asking, 'Cancellation', (namespace) => ({ op: 'cancel', namespace, body }));
    }
    if (asking.request.name !== anyName || typeof generation !== 'number' || Object.keys(body).length > 1) {
      return refusal(400, 'a replay is cancelled with { generation } alone, at functions/-/cancel');
    }
    return actIn(parts, asking, 'Cancellation', (namespace) => ({ op: 'cancelReplay', namespace, generation }));
  };
}

export const ping: Handler = async (parts, asking) => {
  const found = findStanding(parts, asking.request, 'WebhookSubscription');
  if (isRefusal(found)) return found;
  const { name } = found.object.metadata;
  return actIn(parts, asking, 'Ping', (namespace) => ({ op: 'ping', namespace, name }));
};

/** Reads what a function refers to again, at once. */
export const refresh: Handler = async (parts, asking) => {
  const found = findStanding(parts, asking.request, 'WebhookFunction');
  if (isRefusal(found)) return found;
  const { uid, name, namespace } = found.object.metadata;
  const failed = await parts.refresh(found);
  if (failed !== undefined) return failed;
  parts.controller.refresh(uid);
  return {
    kind: 'object',
    object: {
      apiVersion: runVersion,
      kind: 'Refreshment',
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    },
  };
};
