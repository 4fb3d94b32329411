/** `deliveries` and `deadletters`: pages out of the stores of all groups of runtimes, newest first. */
import type { AskedNamespace } from '../../link/live-questions.ts';
import { believeDeliveries, servedBy } from './believe-rows.ts';
import { isRefusal, refusal, type Refusal } from './api-status.ts';
import { depthFor, type Answered, type ApiObject, type ApiParts, type Asking, type Handler } from './handler.ts';
import { runVersion } from './read-path.ts';
import { formatPosition, readListQuery, type ListQuery } from './read-query.ts';
import { anyName } from './resource-catalogue.ts';

type Kind = 'Delivery' | 'DeadLetter';

const known = ['id', 'state', 'function', 'subscription', 'trigger', 'since', 'until', 'latest'];
const deadOnly = { state: 'dead', latest: 'true' };

interface DeliveryPage {
  readonly metadata?: { readonly continue?: string };
}

export function listDeliveries(kind: Kind): Handler {
  return async (parts, { request, signal }) => {
    const query = readListQuery(request, known);
    if (isRefusal(query)) return query;
    const namespace = request.namespace === undefined ? undefined : await parts.namespaceOf(request.namespace);
    if (namespace !== undefined && isRefusal(namespace)) return namespace.status === 404 ? listOf(kind, []) : namespace;
    return page(parts, kind, namespace, query, signal);
  };
}

async function page(
  parts: ApiParts,
  kind: Kind,
  namespace: AskedNamespace | undefined,
  { fields, limit, position }: ListQuery,
  signal: AbortSignal,
): Promise<Answered | Refusal> {
  const groups = parts.groupsOf(namespace).filter((group) => position === undefined || group in position);
  if (groups.length === 0) return refusal(503, noRuntime, { retryAfterSeconds: 1 });
  const more = kind === 'DeadLetter' ? deadOnly : {};
  const pages = await Promise.all(
    groups.map(async (group) => {
      const after = position?.[group] ?? '';
      const asked = await parts.runtimes.query(
        group,
        {
          op: 'deliveries',
          ...(namespace === undefined ? {} : { namespace }),
          query: { ...fields, ...more, limit: String(limit), ...(after === '' ? {} : { continue: after }) },
        },
        signal,
      );
      return { group, after, asked };
    }),
  );
  const rows: { readonly group: string; readonly item: ApiObject }[] = [];
  for (const { group, asked } of pages) {
    if (!asked.ok) return asked.refusal;
    for (const item of deliveriesOf(parts, group, namespace, asked.body['items'])) rows.push({ group, item });
  }
  rows.sort((one, other) => compare(timeOf(other.item), timeOf(one.item)) || numberOf(other.item) - numberOf(one.item));
  const taken = rows.slice(0, limit);
  const next: Record<string, string> = {};
  for (const { group, after, asked } of pages) {
    const ended = asked.ok && (asked.body as unknown as DeliveryPage).metadata?.continue === undefined;
    const left = rows.slice(limit).some((row) => row.group === group);
    if (ended && !left) continue;
    next[group] = taken.findLast((row) => row.group === group)?.item.metadata.name ?? after;
  }
  const position_ = Object.keys(next).length === 0 ? {} : { continue: formatPosition(next) };
  return listOf(
    kind,
    taken.map(({ item }) => named(item, kind)),
    position_,
  );
}

export function getDelivery(kind: Kind): Handler {
  return async (parts, asking) => {
    const found = await findDelivery(parts, asking, kind);
    return isRefusal(found) ? found : { kind: 'object', object: found };
  };
}

/** With its event, its attempts as far as they are kept, and its story. */
async function findDelivery(parts: ApiParts, asking: Asking, kind: Kind): Promise<ApiObject | Refusal> {
  const { request, signal } = asking;
  const { name = '', namespace: namespaceName } = request;
  const missing = refusal(404, `${request.resource}.run.moonhook.dev "${name}" not found`, {
    details: { name, group: 'run.moonhook.dev', kind: request.resource },
  });
  if (namespaceName === undefined) return refusal(400, 'a delivery is named within a namespace');
  if (!/^dlv-[1-9][0-9]*$/.test(name)) return missing;
  const namespace = await parts.namespaceOf(namespaceName);
  if (isRefusal(namespace)) return namespace;
  const depth = await depthFor(asking, anyName);
  const groups = parts.groupsOf(namespace);
  if (groups.length === 0) return refusal(503, noRuntime, { retryAfterSeconds: 1 });
  for (const group of groups) {
    const asked = await parts.runtimes.query(group, { op: 'delivery', namespace, id: name, depth }, signal);
    if (!asked.ok && asked.refusal.status === 404) continue;
    if (!asked.ok) return asked.refusal;
    const [found] = deliveriesOf(parts, group, namespace, [asked.body]);
    if (found?.metadata.name !== name) continue;
    const isDead = found['state'] === 'dead' && found['replayedAs'] === undefined;
    if (kind === 'Delivery' || isDead) return named(found, kind);
  }
  return missing;
}

/** Cancels one that waits, or discards a dead letter; what has ended otherwise or runs stays as it is. */
export function deleteDelivery(kind: Kind): Handler {
  return (parts, asking) => endDelivery(parts, asking, kind);
}

async function endDelivery(parts: ApiParts, asking: Asking, kind: Kind): Promise<Answered | Refusal> {
  const found = await findDelivery(parts, asking, kind);
  if (isRefusal(found)) return found;
  const namespace = await parts.namespaceOf(found.metadata.namespace ?? '');
  if (isRefusal(namespace)) return namespace;
  const { name } = found.metadata;
  const body = kind === 'DeadLetter' ? { id: name, dead: true } : { id: name };
  for (const group of parts.groupsOf(namespace)) {
    const asked = await parts.runtimes.act(group, { op: 'cancel', namespace, body }, asking.signal);
    if (!asked.ok && asked.refusal.status === 404) continue;
    if (!asked.ok) return asked.refusal;
    if (asked.body['count'] === 1) return { kind: 'object', object: { ...found, state: 'cancelled' } };
  }
  if (kind === 'DeadLetter') return refusal(409, `dead letter ${name} was replayed or discarded meanwhile`);
  const state = found['state'] === 'leased' ? 'runs now' : `has ended: ${String(found['state'])}`;
  return refusal(409, `delivery ${name} cannot be cancelled: it ${state}`);
}

/** What is believed of the deliveries in an answer. */
function deliveriesOf(
  parts: ApiParts,
  group: string,
  namespace: AskedNamespace | undefined,
  items: unknown,
): readonly ApiObject[] {
  const { rows, refused } = believeDeliveries(items, { namespace, serves: servedBy(parts, group) });
  if (refused > 0) parts.onRefusedRows(group, refused);
  return rows as readonly ApiObject[];
}

const noRuntime = 'no runtime has a link to this controller: see the pods of the installation';

/** What is left of a delivery that has ended is another object: whoever has deleted one waits until it is not there. */
function named(item: ApiObject, kind: Kind): ApiObject {
  const uid = `${item.metadata.name}.${item['ended'] === undefined ? 'open' : 'ended'}`;
  return { ...item, kind, metadata: { ...item.metadata, uid } };
}

function listOf(kind: Kind, items: readonly ApiObject[], metadata: object = {}): Answered {
  return { kind: 'list', list: { apiVersion: runVersion, kind: `${kind}List`, metadata: { ...metadata }, items } };
}

const timeOf = ({ metadata }: ApiObject): string => metadata.creationTimestamp ?? '';
const numberOf = ({ metadata }: ApiObject): number => Number(metadata.name.replace(/^dlv-/, ''));
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
