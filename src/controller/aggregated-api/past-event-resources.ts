/** What senders sent, for those who may see it: records of calls, or with `events` the events that a draft can be tried on. */
import { isRefusal, refusal, type Refusal } from './api-status.ts';
import { readRecords } from './call-resources.ts';
import type { Answered, ApiParts, Asking, Fields, Handler } from './handler.ts';
import { runVersion } from './read-path.ts';
import { anyName } from './resource-catalogue.ts';

const mostEvents = 50;

export const readPayloads: Handler = (parts, asking) =>
  asking.request.query.has('events') ? readPastEvents(parts, asking) : readRecords(parts, asking);

/**
 * Stored events are known to every runtime of a group, caught ones to the runtime they came to: all are asked. `catching=true`
 * begins it or goes on with it for half a minute, `catching=false` ends it.
 */
async function readPastEvents(parts: ApiParts, { request, signal }: Asking): Promise<Answered | Refusal> {
  const { name = anyName, query } = request;
  if (request.namespace === undefined || name === anyName) return refusal(400, 'events are those of one function');
  const namespace = await parts.namespaceOf(request.namespace);
  if (isRefusal(namespace)) return namespace;
  const wish = query.get('catching');
  const catching = wish === null ? {} : { catching: wish === 'true' };
  const question = { op: 'pastEvents' as const, namespace, name, ...catching };
  const said = await parts.runtimes.queryEach(parts.groupsOf(namespace), question, signal);
  if (said.length === 0) {
    return refusal(503, 'no runtime of this namespace answers: see the pods of the installation', {
      retryAfterSeconds: 1,
    });
  }
  const byId = new Map<string, Fields>();
  for (const event of said.flatMap((each) => fieldsIn(each['events']))) byId.set(String(event['id']), event);
  const events = [...byId.values()].toSorted((one, other) => Number(other['time']) - Number(one['time']));
  const object = {
    apiVersion: runVersion,
    kind: 'PastEvents',
    metadata: { name, namespace: namespace.name },
    events: events.slice(0, mostEvents),
    binary: Math.max(...said.map((each) => Number(each['binary']) || 0)),
    catching: said.every((each) => each['catching'] === true),
  };
  return { kind: 'object', object };
}

/** A runtime is asked what it knows, and believed no further than its form. */
function fieldsIn(value: unknown): readonly Fields[] {
  const items = Array.isArray(value) ? (value as readonly unknown[]) : [];
  return items.filter((each): each is Fields => typeof each === 'object' && each !== null);
}
