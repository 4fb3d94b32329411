/** `functions`, `subscriptions`, `routes`, `runtimes`: how things stand, from this replica's own table and its links. */
import { compareTexts } from '../../function/compare-texts.ts';
import type { Standing } from '../judge-standing.ts';
import type { FunctionEntry } from '../../routing/types.ts';
import { isRefusal, refusal, type Refusal } from './api-status.ts';
import type { Answered, ApiObject, ApiParts, Fields, Handler } from './handler.ts';
import { runVersion, type ResourceRequest } from './read-path.ts';
import { formatPosition, readListQuery } from './read-query.ts';

type ResourceKind = Standing['kind'];

/** The function or subscription that a path names. */
export function findStanding(
  parts: ApiParts,
  { namespace, name = '', resource }: ResourceRequest,
  kind: ResourceKind,
): Standing | Refusal {
  for (const standing of parts.controller.standings()) {
    const { metadata } = standing.object;
    if (standing.kind === kind && metadata.name === name && metadata.namespace === namespace) return standing;
  }
  return refusal(404, `${resource}.run.moonhook.dev "${name}" not found`, {
    details: { name, group: 'run.moonhook.dev', kind: resource },
  });
}

export function listStandings(kind: ResourceKind): Handler {
  return async (parts, { request }) => {
    const own = [...parts.controller.standings()].filter((each) => each.kind === kind);
    return listObjects(request, kind === 'WebhookFunction' ? 'Function' : 'Subscription', own.map(summaryOf));
  };
}

/** With conditions, URLs, and what is in force of it as a runtime has it. */
export function getStanding(kind: ResourceKind): Handler {
  return async (parts, { request, signal }) => {
    const found = findStanding(parts, request, kind);
    if (isRefusal(found)) return found;
    const { object, verdict, status } = found;
    const { uid, generation } = object.metadata;
    const own = {
      ...summaryOf(found),
      generation,
      conditions: status?.conditions ?? [],
      warnings: status?.['warnings'] ?? [],
      urls: verdict?.urls ?? [],
    };
    const namespace = await parts.namespaceOf(request.namespace ?? '');
    if (isRefusal(namespace)) return namespace;
    const [group] = parts.groupsOf(namespace);
    if (group === undefined) return { kind: 'object', object: own };
    const asked = await parts.runtimes.query(group, { op: 'standing', namespace, uid }, signal);
    // What stands in the cluster is told all the same.
    return { kind: 'object', object: { ...own, ...(asked.ok ? asked.body : {}) } };
  };
}

function summaryOf(standing: Standing): ApiObject {
  const { kind, object, verdict, status } = standing;
  const { name, namespace, uid, creationTimestamp } = object.metadata;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const isFunction = kind === 'WebhookFunction';
  return {
    apiVersion: runVersion,
    kind: isFunction ? 'Function' : 'Subscription',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    ready: ready?.status ?? 'Unknown',
    reason: ready?.reason ?? 'Pending',
    message: ready?.message ?? '',
    programmed: status?.['programmed'],
    revision: verdict?.revision ?? status?.revision,
    ...(isFunction ? functionParts(standing) : subscriptionParts(standing)),
  };
}

function functionParts({ object, verdict, status }: Standing): Fields {
  const known = (status?.['triggers'] ?? []) as readonly {
    readonly name: string;
    readonly nextScheduleTime?: string;
  }[];
  const triggers = (object.spec?.['triggers'] ?? []) as readonly Fields[];
  const serving = status?.['servingRevision'];
  return {
    ...(serving === undefined ? {} : { servingRevision: serving }),
    url: verdict?.urls[0]?.url,
    triggers: triggers.map((trigger) => {
      const next = known.find(({ name }) => name === trigger['name'])?.nextScheduleTime;
      return {
        name: trigger['name'],
        kind: ['http', 'schedule', 'event', 'kubernetes'].find((each) => Object.hasOwn(trigger, each)) ?? 'unknown',
        ...(next === undefined ? {} : { next }),
      };
    }),
  };
}

function subscriptionParts({ object, status }: Standing): Fields {
  const healthy = status?.conditions?.find(({ type }) => type === 'Healthy');
  const { lastSuccess, lastFailure, breaker } = (status ?? {}) as Fields;
  const state = healthy?.reason === 'Pending' ? 'Unknown' : (healthy?.reason ?? 'Unknown');
  return {
    events: object.spec?.['events'] ?? [],
    // A URL out of a Secret is not shown.
    ...(typeof object.spec?.['url'] === 'string' ? { url: object.spec['url'] } : {}),
    health: {
      state,
      ...(lastSuccess === undefined ? {} : { lastSuccess }),
      ...(lastFailure === undefined ? {} : { lastFailure }),
      ...(healthy?.status === 'False' ? { error: healthy.message } : {}),
    },
    breaker: breaker ?? 'Closed',
  };
}

export const listRoutes: Handler = async (parts, { request }) => listObjects(request, 'Route', routesOf(parts));

export const getRoute: Handler = async (parts, { request }) => getOne(request, routesOf(parts));

function routesOf({ controller }: ApiParts): readonly ApiObject[] {
  return [...(controller.table.current()?.functions.values() ?? [])].flatMap(routesOfFunction);
}

function routesOfFunction({ namespace, name, triggers }: FunctionEntry): readonly ApiObject[] {
  return triggers.flatMap((trigger) => {
    if (trigger.kind !== 'http') return [];
    return trigger.routes.map((route, index) => ({
      apiVersion: runVersion,
      kind: 'Route',
      metadata: { name: `${name}.${trigger.name}.${index}`, namespace },
      function: name,
      trigger: trigger.name,
      host: route.host ?? '*',
      path: route.path,
      methods: route.methods,
      url: `${route.publicUrl ?? trigger.publicUrl}${route.path}`,
      receiver: trigger.receiver.name,
      mode: trigger.mode,
      ...(trigger.unresolved === undefined ? {} : { unresolved: trigger.unresolved }),
    }));
  });
}

export const listRuntimes: Handler = async (parts, { request }) => listObjects(request, 'Runtime', runtimesOf(parts));

export const getRuntime: Handler = async (parts, { request }) => getOne(request, runtimesOf(parts));

function runtimesOf({ runtimes }: ApiParts): readonly ApiObject[] {
  return runtimes.all().map(({ runtime, podUid, group, connected, ready, acknowledgements }) => {
    let functions = 0;
    for (const { accepted, servingRevision } of acknowledgements.values()) {
      if (accepted || servingRevision !== undefined) functions += 1;
    }
    return {
      apiVersion: runVersion,
      kind: 'Runtime',
      metadata: { name: runtime, uid: podUid },
      group,
      linked: connected ? 'True' : 'False',
      ready: ready ? 'True' : 'False',
      functions,
    };
  });
}

function getOne({ namespace, name, resource }: ResourceRequest, all: readonly ApiObject[]): Answered | Refusal {
  const found = all.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  if (found !== undefined) return { kind: 'object', object: found };
  return refusal(404, `${resource}.run.moonhook.dev "${name}" not found`, {
    details: { name, group: 'run.moonhook.dev', kind: resource },
  });
}

/** By namespace and name; pages begin after the last name of the page before. */
function listObjects(request: ResourceRequest, kind: string, all: readonly ApiObject[]): Answered | Refusal {
  const query = readListQuery(request, ['id']);
  if (isRefusal(query)) return query;
  const { fields, limit, position } = query;
  const after = position?.['after'] ?? '';
  const sorted = all
    .filter(({ metadata }) => request.namespace === undefined || metadata.namespace === request.namespace)
    .filter(({ metadata }) => fields['id'] === undefined || metadata.name === fields['id'])
    .map((object) => ({ key: `${object.metadata.namespace ?? ''}/${object.metadata.name}`, object }))
    .filter(({ key }) => key > after)
    .sort((one, other) => compareTexts(one.key, other.key));
  const taken = sorted.slice(0, limit);
  const last = taken.at(-1)?.key;
  const more = sorted.length > taken.length && last !== undefined;
  const metadata = more
    ? { continue: formatPosition({ after: last }), remainingItemCount: sorted.length - taken.length }
    : {};
  const items = taken.map(({ object }) => object);
  return { kind: 'list', list: { apiVersion: runVersion, kind: `${kind}List`, metadata, items } };
}
