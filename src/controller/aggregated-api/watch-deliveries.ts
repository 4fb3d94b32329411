/**
 * `deliveries` and `deadletters` as they change. The stores have no order of changes that a watch could go on from: a runtime
 * of each group remembers what a list answered and compares. Where it cannot any more, the client is told to list anew.
 */
import { deliveriesOf, named, pageOfDeliveries, rememberingPod, chooseDeliveries } from './delivery-resources.ts';
import type { ChosenDeliveries, DeliveryKind } from './delivery-resources.ts';
import { isRefusal, refusal, statusObject, type Refusal } from './api-status.ts';
import type { ApiList, ApiObject, ApiParts, Asking, Fields, Handler, WatchEvent } from './handler.ts';
import { runVersion } from './read-path.ts';
import { readPosition } from './read-query.ts';
import { mostChanges, readVersion, versionOf, type SnapshotVersion } from './snapshot-version.ts';

const watchMs = 20_000;
/** Several groups are asked one round after the other: none waits long for another. */
const sharedWatchMs = 1_000;
const longestWatchMs = 600_000;
/** Of one page of everything. */
const mostAtOnce = 1_000;

interface Watch {
  readonly kind: DeliveryKind;
  readonly chosen: ChosenDeliveries;
  readonly snapshot: string;
  readonly groups: readonly string[];
  /** By group: the change that it was asked for last. */
  readonly asked: Map<string, number>;
  /** Of the last round, and what the client has seen of it. */
  change: number;
  seen: number;
}

export function watchDeliveries(kind: DeliveryKind): Handler {
  return async (parts, asking) => {
    const chosen = await chooseDeliveries(parts, kind, asking);
    if (chosen === 'none') return refusal(404, 'there is no such namespace');
    if (isRefusal(chosen)) return chosen;
    const { query } = asking.request;
    const from = query.get('resourceVersion') ?? '';
    const everything = from === '' || from === '0' || query.get('sendInitialEvents') === 'true';
    if (everything) {
      const list = await pageOfDeliveries(parts, kind, { ...chosen, limit: mostAtOnce }, asking.signal);
      if (isRefusal(list)) return list;
      const version = readVersion(String(list.metadata['resourceVersion']));
      if (version === undefined) return refusal(500, 'the list has no version');
      const watch = begin(parts, kind, chosen, version);
      const first = begun(parts, asking, watch, { list, version });
      return { kind: 'watch', events: follow(parts, asking, watch, first) };
    }
    const version = readVersion(from);
    if (version === undefined) return refusal(400, `resourceVersion must be that of a list, not ${from.slice(0, 40)}`);
    const watch = begin(parts, kind, chosen, version);
    const first = await nextChanges(parts, watch, 0, asking.signal);
    return isRefusal(first) ? first : { kind: 'watch', events: follow(parts, asking, watch, first) };
  };
}

function begin(
  parts: ApiParts,
  kind: DeliveryKind,
  chosen: ChosenDeliveries,
  { snapshot, change }: SnapshotVersion,
): Watch {
  const groups = parts.groupsOf(chosen.namespace);
  const asked = new Map(groups.map((group) => [group, change]));
  return { kind, chosen, snapshot, groups, asked, change, seen: change };
}

/** Everything there is, page after page, each from its oldest on. */
async function* begun(
  parts: ApiParts,
  { request, signal }: Asking,
  { kind, chosen }: Watch,
  { list, version }: { readonly list: ApiList; readonly version: SnapshotVersion },
): AsyncGenerator<WatchEvent> {
  let page = list;
  let before: unknown;
  for (;;) {
    const next = page.metadata['continue'];
    yield* added(page.items, version, next === undefined);
    if (next === undefined) break;
    // A runtime none of whose rows are believed would be asked for the same page for ever.
    const position = typeof next === 'string' && next !== before ? readPosition(next) : 'bad';
    before = next;
    const asked =
      position === 'bad'
        ? refusal(500, 'the list has no next page')
        : await pageOfDeliveries(parts, kind, { ...chosen, limit: mostAtOnce, position }, signal);
    if (isRefusal(asked)) {
      yield* failed(asked, signal);
      return;
    }
    page = asked;
  }
  if (request.query.get('sendInitialEvents') === 'true') yield endOfInitial(kind, version);
}

/** Who breaks off before the last one of all begins anew: only that one has a version to go on from. */
function added(
  items: readonly ApiObject[],
  { snapshot, change }: SnapshotVersion,
  isLast: boolean,
): readonly WatchEvent[] {
  const all = items.toReversed();
  return all.map((item, index) => {
    const resourceVersion = isLast && index === all.length - 1 ? versionOf(snapshot, change) : '0';
    return { type: 'ADDED', object: { ...item, metadata: { ...item.metadata, resourceVersion } } };
  });
}

/** Who has gone is told nothing. */
function* failed(why: Refusal, signal: AbortSignal): Generator<WatchEvent> {
  if (!signal.aborted) yield { type: 'ERROR', object: statusObject(why) as Fields };
}

/** Kubernetes API concepts, "Streaming lists". */
function endOfInitial(kind: DeliveryKind, { snapshot, change }: SnapshotVersion): WatchEvent {
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  const metadata = { resourceVersion: versionOf(snapshot, change), annotations };
  return { type: 'BOOKMARK', object: { apiVersion: runVersion, kind, metadata } };
}

async function* follow(
  parts: ApiParts,
  { request, signal }: Asking,
  watch: Watch,
  first: Iterable<WatchEvent> | AsyncIterable<WatchEvent>,
): AsyncGenerator<WatchEvent> {
  const seconds = Number(request.query.get('timeoutSeconds') ?? '');
  const until = parts.wall() + Math.min(seconds > 0 ? seconds * 1_000 : longestWatchMs, longestWatchMs);
  for await (const event of first) {
    yield event;
    if (event.type === 'ERROR') return;
  }
  while (!signal.aborted && parts.wall() < until) {
    const next = await nextChanges(parts, watch, until - parts.wall(), signal);
    if (isRefusal(next)) {
      yield* failed(next, signal);
      return;
    }
    yield* next;
  }
}

async function nextChanges(
  parts: ApiParts,
  watch: Watch,
  leftMs: number,
  signal: AbortSignal,
): Promise<readonly WatchEvent[] | Refusal> {
  const { kind, chosen, snapshot, groups, asked } = watch;
  const now = parts.groupsOf(chosen.namespace);
  if (now.length !== groups.length || now.some((group) => !groups.includes(group))) {
    return expired('the groups of runtimes are others now');
  }
  const to = watch.change + 1;
  if (to > mostChanges) return expired('too much was told of one list');
  watch.change = to;
  const waitMs = Math.max(0, Math.min(leftMs, groups.length === 1 ? watchMs : sharedWatchMs));
  const said = await Promise.all(
    groups.map(async (group) => ({
      group,
      answer: await changesOf(parts, watch, group, { to, waitMs, signal }),
    })),
  );
  const events: { readonly type: WatchEvent['type']; readonly object: ApiObject }[] = [];
  let busy = false;
  for (const { group, answer } of said) {
    if (answer === 'busy') busy = true;
    else if (isRefusal(answer)) return answer;
    else {
      asked.set(group, to);
      events.push(...answer);
    }
  }
  if (busy) await parts.sleep(sharedWatchMs, signal);
  const before = versionOf(snapshot, watch.seen);
  if (events.length > 0) watch.seen = to;
  return events.map(({ type, object }, index) => ({
    type,
    // Who has not seen the last one has to list anew: nothing is told twice, and nothing is left out.
    object: named(object, kind, index === events.length - 1 ? versionOf(snapshot, to) : before),
  }));
}

async function changesOf(
  parts: ApiParts,
  { chosen, snapshot, asked }: Watch,
  group: string,
  { to, waitMs, signal }: { readonly to: number; readonly waitMs: number; readonly signal: AbortSignal },
): Promise<readonly { readonly type: WatchEvent['type']; readonly object: ApiObject }[] | 'busy' | Refusal> {
  const { namespace, question } = chosen;
  const pod = rememberingPod(parts.runtimes, group, snapshot);
  if (pod === undefined) return expired(`no runtime of the group ${group} has a link to this controller`);
  const scope = namespace === undefined ? {} : { namespace };
  const from = asked.get(group) ?? 0;
  const answer = await parts.runtimes.queryPod(
    pod,
    { op: 'deliveryChanges', ...scope, query: question, snapshot, from, to, waitMs },
    signal,
  );
  if (!answer.ok) return answer.refusal.status === 429 ? 'busy' : answer.refusal;
  const { gone, events } = answer.body as { readonly gone?: unknown; readonly events?: unknown };
  if (typeof gone === 'string') return expired(gone.slice(0, 200));
  if (!Array.isArray(events)) return refusal(500, 'the runtime answered what are no changes');
  const told = (events as readonly unknown[]).filter(isChange);
  if (told.length < events.length) parts.onRefusedRows(group, events.length - told.length);
  const objects = deliveriesOf(
    parts,
    group,
    namespace,
    told.map(({ object }) => object),
  );
  const believed = new Set<unknown>(objects);
  return told.flatMap(({ type, object }) => (believed.has(object) ? [{ type, object: object as ApiObject }] : []));
}

interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: unknown;
}

function isChange(value: unknown): value is Change {
  if (typeof value !== 'object' || value === null) return false;
  const { type } = value as { readonly type?: unknown };
  return type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED';
}

const expired = (why: string): Refusal =>
  refusal(410, `this version cannot be gone on from: ${why}; list again and watch from there`);
