/** `deliveries` and `deadletters`: pages out of the stores of all groups of runtimes, newest first. */
import { compareTexts } from '../../function/compare-texts.ts';
import type { AskedNamespace, LiveQuery } from '../../link/live-questions.ts';
import type { Asked, Runtimes } from './ask-runtimes.ts';
import { believeDeliveries, servedBy } from './believe-rows.ts';
import { isRefusal, refusal, type Refusal } from './api-status.ts';
import {
  depthFor,
  mayReadPayloads,
  type Answered,
  type ApiList,
  type ApiObject,
  type ApiParts,
  type Asking,
  type Fields,
  type Handler,
} from './handler.ts';
import { runVersion } from './read-path.ts';
import { formatPosition, readListQuery, type ListQuery } from './read-query.ts';
import { anyName } from './resource-catalogue.ts';
import { newSnapshot, versionOf } from './snapshot-version.ts';

export type DeliveryKind = 'Delivery' | 'DeadLetter';
type Kind = DeliveryKind;

const known = ['id', 'state', 'function', 'subscription', 'trigger', 'since', 'until', 'latest'];
const deadOnly = { state: 'dead', latest: 'true' };

interface DeliveryPage {
  readonly metadata?: { readonly continue?: string };
}

/** Which deliveries are asked for. */
export interface ChosenDeliveries extends ListQuery {
  readonly namespace: AskedNamespace | undefined;
  /** In the terms of the runtimes. */
  readonly question: Readonly<Record<string, string>>;
}

/** `'none'`: there is no such namespace. */
export async function chooseDeliveries(
  parts: ApiParts,
  kind: Kind,
  { request }: Asking,
): Promise<ChosenDeliveries | Refusal | 'none'> {
  const query = readListQuery(request, known);
  if (isRefusal(query)) return query;
  const namespace = request.namespace === undefined ? undefined : await parts.namespaceOf(request.namespace);
  if (namespace !== undefined && isRefusal(namespace)) return namespace.status === 404 ? 'none' : namespace;
  return { ...query, namespace, question: { ...query.fields, ...(kind === 'DeadLetter' ? deadOnly : {}) } };
}

export function listDeliveries(kind: Kind): Handler {
  return async (parts, asking) => {
    const chosen = await chooseDeliveries(parts, kind, asking);
    if (chosen === 'none') return { kind: 'list', list: listOf(kind, [], {}) };
    if (isRefusal(chosen)) return chosen;
    const list = await pageOfDeliveries(parts, kind, chosen, asking.signal);
    return isRefusal(list) ? list : { kind: 'list', list };
  };
}

/** One page; the first one has a version from which its changes can be told. */
export async function pageOfDeliveries(
  parts: ApiParts,
  kind: Kind,
  { namespace, question, limit, position }: ChosenDeliveries,
  signal: AbortSignal,
): Promise<ApiList | Refusal> {
  const groups = parts.groupsOf(namespace).filter((group) => position === undefined || group in position);
  if (groups.length === 0) return refusal(503, noRuntime, { retryAfterSeconds: 1 });
  const snapshot = position === undefined ? newSnapshot(parts.wall(), parts.random()) : undefined;
  const pages = await Promise.all(
    groups.map(async (group) => {
      const after = position?.[group] ?? '';
      const query = { ...question, limit: String(limit), ...(after === '' ? {} : { continue: after }) };
      const scope = namespace === undefined ? {} : { namespace };
      const asked = await askForPage(parts, group, { op: 'deliveries', ...scope, query }, { snapshot, signal });
      return { group, after, asked };
    }),
  );
  const rows: { readonly group: string; readonly item: ApiObject }[] = [];
  for (const { group, asked } of pages) {
    if (!asked.ok) return asked.refusal;
    for (const item of deliveriesOf(parts, group, namespace, asked.body['items'])) rows.push({ group, item });
  }
  rows.sort(
    (one, other) => compareTexts(timeOf(other.item), timeOf(one.item)) || numberOf(other.item) - numberOf(one.item),
  );
  const taken = rows.slice(0, limit);
  const next: Record<string, string> = {};
  for (const { group, after, asked } of pages) {
    const ended = asked.ok && (asked.body as unknown as DeliveryPage).metadata?.continue === undefined;
    const left = rows.slice(limit).some((row) => row.group === group);
    if (ended && !left) continue;
    next[group] = taken.findLast((row) => row.group === group)?.item.metadata.name ?? after;
  }
  const version = snapshot === undefined ? {} : { resourceVersion: versionOf(snapshot, 0) };
  return listOf(
    kind,
    taken.map(({ item }) => named(item, kind, version.resourceVersion)),
    { ...version, ...(Object.keys(next).length === 0 ? {} : { continue: formatPosition(next) }) },
  );
}

/** Of the runtime that is to remember it, or, where that one cannot, of any. */
async function askForPage(
  { runtimes }: ApiParts,
  group: string,
  question: Extract<LiveQuery, { readonly op: 'deliveries' }>,
  { snapshot, signal }: { readonly snapshot: string | undefined; readonly signal: AbortSignal },
): Promise<Asked> {
  const pod = snapshot === undefined ? undefined : rememberingPod(runtimes, group, snapshot);
  if (pod !== undefined && snapshot !== undefined) {
    const asked = await runtimes.queryPod(pod, { ...question, remember: snapshot }, signal);
    if (asked.ok || asked.refusal.status < 500) return asked;
  }
  return runtimes.query(group, question, signal);
}

/** Every replica of the controller finds the same one by the number alone. */
export function rememberingPod(runtimes: Pick<Runtimes, 'pods'>, group: string, snapshot: string): string | undefined {
  const pods = runtimes.pods([group]).toSorted();
  return pods[Number(snapshot.slice(-6)) % pods.length];
}

/** `body=true`: with the body of the event, which needs the right over what senders sent. */
export function getDelivery(kind: Kind): Handler {
  return async (parts, asking) => {
    const withBody = asking.request.query.get('body') === 'true';
    const found = await findDelivery(parts, asking, kind, withBody);
    return isRefusal(found) ? found : { kind: 'object', object: found };
  };
}

/** With its event, its attempts as far as they are kept, and its story. */
async function findDelivery(
  parts: ApiParts,
  asking: Asking,
  kind: Kind,
  withBody = false,
): Promise<ApiObject | Refusal> {
  const { request, signal } = asking;
  const { name = '', namespace: namespaceName } = request;
  const missing = refusal(404, `${request.resource}.run.moonhook.dev "${name}" not found`, {
    details: { name, group: 'run.moonhook.dev', kind: request.resource },
  });
  if (namespaceName === undefined) return refusal(400, 'a delivery is named within a namespace');
  if (!/^dlv-[1-9][0-9]*$/.test(name)) return missing;
  const namespace = await parts.namespaceOf(namespaceName);
  if (isRefusal(namespace)) return namespace;
  const refused = withBody ? await mayReadPayloads(asking, anyName) : undefined;
  if (refused !== undefined) return refused;
  const depth = withBody ? 'full' : await depthFor(asking, anyName);
  const body = withBody ? { body: true } : {};
  const groups = parts.groupsOf(namespace);
  if (groups.length === 0) return refusal(503, noRuntime, { retryAfterSeconds: 1 });
  for (const group of groups) {
    const asked = await parts.runtimes.query(group, { op: 'delivery', namespace, id: name, depth, ...body }, signal);
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
export function deliveriesOf(
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
export function named(item: ApiObject, kind: Kind, resourceVersion?: string): ApiObject {
  const uid = `${item.metadata.name}.${item['ended'] === undefined ? 'open' : 'ended'}`;
  const version = resourceVersion === undefined ? {} : { resourceVersion };
  return { ...item, kind, metadata: { ...item.metadata, uid, ...version } };
}

function listOf(kind: Kind, items: readonly ApiObject[], metadata: Fields): ApiList {
  return { apiVersion: runVersion, kind: `${kind}List`, metadata, items };
}

const timeOf = ({ metadata }: ApiObject): string => metadata.creationTimestamp ?? '';
const numberOf = ({ metadata }: ApiObject): number => Number(metadata.name.replace(/^dlv-/, ''));
