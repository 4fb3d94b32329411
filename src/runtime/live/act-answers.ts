/** What a running runtime does with deliveries when it is asked to: runs ended ones again, cancels waiting ones; says first how many. */
import { cancelDeliveries } from '../../delivery/cancel-deliveries.ts';
import { countDeliveries, type DeliveryCount } from '../../delivery/count-deliveries.ts';
import { formatDestination } from '../../delivery/destination.ts';
import { formatOutgoing } from '../../delivery/outgoing-destination.ts';
import type { ReplayStatus } from '../../delivery/replay-jobs.ts';
import type { DeliveryFilter } from '../../store/store.ts';
import { unknownId } from './delivery-answers.ts';
import { addresseeOf, coverSubject, functionIn, subscriptionIn, whyNotServed } from './destination-view.ts';
import { findDeliveries } from './find-deliveries.ts';
import type { LiveAnswer } from '../../link/live-questions.ts';
import type { LiveView } from './live-view.ts';
import { readGeneration, readSubjectFields, readTimes, replayedStates, type Subject } from './read-selection.ts';

type Body = Readonly<Record<string, unknown>>;

const bad = (message: string): LiveAnswer => ({ status: 400, message });

/** Starts a replay in the background, or answers what it would do (`dryRun`). */
export async function replayDeliveries(view: LiveView, namespace: string, body: Body): Promise<LiveAnswer> {
  const mistake = mistakeIn(body, [...selectionFields, 'dead', 'all', 'to', 'generation', 'dryRun']);
  if (mistake !== undefined) return bad(mistake);
  const states = replayedStates(body);
  if (typeof states === 'string') return bad(states);
  const dryRun = body['dryRun'] === true;
  const generation = dryRun ? undefined : readGeneration(body['generation']);
  if (typeof generation === 'string') return bad(generation);
  const to = targetOf(view, namespace, body['to']);
  if (typeof to === 'object') return to;
  const selected = await selectDeliveries(view, namespace, body);
  if ('status' in selected) return selected;
  const filter: DeliveryFilter = { ...selected, states };
  const uid = view.namespaceUid(namespace);
  const known = generation === undefined ? undefined : await view.replays.status(uid, generation);
  const counted = await countDeliveries(view.store, { ...filter, latest: true });
  // The other states tell why nothing, or less than expected, runs again.
  const others = body['id'] === undefined ? undefined : await countDeliveries(view.store, selected);
  const answer = {
    ...plainCount(view, uid, counted),
    ...(others === undefined ? {} : { states: Object.fromEntries(others.byState) }),
  };
  if (dryRun || (counted.count === 0 && known === undefined)) return { status: 200, body: { dryRun, ...answer } };
  const { newest } = counted;
  if (generation !== undefined && known === undefined && to === undefined && generation <= newest) {
    return bad(
      `generation ${generation} is not above ${newest}, by which some of them ran again: take a larger one, or none`,
    );
  }
  const order = { filter, ...(to === undefined ? {} : { to }) };
  const started = await view.replays.start({
    ...order,
    ...(generation === undefined ? { above: newest } : { generation }),
  });
  if (!started.ok) return bad(started.message);
  const repeated = known === undefined ? {} : { repeated: true };
  return { status: 200, body: { dryRun, ...repeated, ...answer, replay: plainReplay(started.status) } };
}

export async function getReplay(view: LiveView, namespace: string, generation: number): Promise<LiveAnswer> {
  const status = await view.replays.status(view.namespaceUid(namespace), generation);
  if (status === undefined) return unknownReplay(namespace, generation);
  return { status: 200, body: plainReplay(status) };
}

/** Stops the expansion and cancels what of it waits. */
export async function cancelReplay(view: LiveView, namespace: string, generation: number): Promise<LiveAnswer> {
  const uid = view.namespaceUid(namespace);
  const cancelled = await view.replays.cancel(uid, generation);
  const status = await view.replays.status(uid, generation);
  if (cancelled === undefined || status === undefined) return unknownReplay(namespace, generation);
  return { status: 200, body: { count: cancelled, exact: true, replay: plainReplay(status) } };
}

/** Ends what waits or is held (what runs goes on, and is counted), or with `dead` discards dead letters. */
export async function cancelWaiting(view: LiveView, namespace: string, body: Body): Promise<LiveAnswer> {
  const mistake = mistakeIn(body, [...selectionFields, 'dead', 'dryRun']);
  if (mistake !== undefined) return bad(mistake);
  const selected = await selectDeliveries(view, namespace, body);
  if ('status' in selected) return selected;
  // What a replay has followed is no dead letter any more; an id means every delivery of its event.
  const letters = { states: ['dead'] as const, ...(body['id'] === undefined ? { latest: true } : {}) };
  const ending: DeliveryFilter = {
    ...selected,
    ...(body['dead'] === true ? letters : { states: ['waiting', 'held'] as const }),
  };
  const counted = await countDeliveries(view.store, ending);
  const running = await countDeliveries(view.store, { ...selected, states: ['leased'] });
  const others = body['id'] === undefined ? undefined : await countDeliveries(view.store, selected);
  const dryRun = body['dryRun'] === true;
  const last = counted.exact ? counted.last : undefined;
  const count = dryRun ? counted.count : await cancelDeliveries(view.store, ending, last);
  return {
    status: 200,
    body: {
      dryRun,
      ...plainCount(view, view.namespaceUid(namespace), counted),
      count,
      running: running.count,
      ...(others === undefined ? {} : { states: Object.fromEntries(others.byState) }),
    },
  };
}

const selectionFields = ['id', 'function', 'subscription', 'trigger', 'since', 'until'];

const flags = ['dead', 'all', 'dryRun'];

/** A wish that is misspelt must not become a wider one, nor one that only looks, or means the dead, another. */
function mistakeIn(body: Body, known: readonly string[]): string | undefined {
  const unknown = Object.keys(body).find((field) => !known.includes(field));
  if (unknown !== undefined) return `unknown field "${unknown}"; known are ${known.join(', ')}`;
  const flag = flags.find((field) => body[field] !== undefined && typeof body[field] !== 'boolean');
  return flag === undefined ? undefined : `${flag} must be true or false, not ${JSON.stringify(body[flag])}`;
}

async function selectDeliveries(view: LiveView, namespace: string, body: Body): Promise<DeliveryFilter | LiveAnswer> {
  const times = readTimes(body);
  if (typeof times === 'string') return bad(times);
  const { id } = body;
  const subject = readSubjectFields(body);
  if (typeof subject === 'string') return bad(subject);
  if (id !== undefined) {
    if (typeof id !== 'string' || subject !== undefined) return bad('give an id, or a function or subscription');
    const found = await findDeliveries(view, namespace, id);
    const [first] = found;
    if (first === undefined) return unknownId(id, namespace);
    if (found.length > 1) {
      const events = found.map(({ rows }) => rows[0]?.eventId).join(', ');
      return bad(`"${id}" stands for ${found.length} events: name one of ${events}`);
    }
    return { ...first.filter, ...times };
  }
  const namespaceUid = view.namespaceUid(namespace);
  if (subject === undefined) return { namespaceUid, ...times };
  const missing = await missingSubject(view, namespace, namespaceUid, subject);
  return missing ?? { namespaceUid, ...coverSubject(namespaceUid, subject), ...times };
}

/** What is gone may have left deliveries; what never was is a mistake. */
async function missingSubject(
  view: LiveView,
  namespace: string,
  namespaceUid: string,
  subject: Subject,
): Promise<LiveAnswer | undefined> {
  const { kind, name, trigger } = subject;
  const table = view.table();
  if (kind === 'function') {
    const entry = functionIn(table, namespaceUid, name);
    if (entry !== undefined && (trigger === undefined || entry.triggers.some((each) => each.name === trigger))) {
      return undefined;
    }
  } else if (subscriptionIn(table, namespaceUid, name) !== undefined) return undefined;
  const left = await view.store.read({ namespaceUid, ...coverSubject(namespaceUid, subject) }, { limit: 1 });
  if (left.length > 0) return undefined;
  const what = trigger === undefined ? '' : ` with a trigger ${trigger}`;
  return { status: 404, message: `there is no ${kind} ${namespace}/${name}${what}` };
}

/** The destination of `to`, always in the same namespace; undefined: the original one. */
function targetOf(view: LiveView, namespace: string, to: unknown): string | undefined | LiveAnswer {
  if (to === undefined) return undefined;
  if (typeof to !== 'object' || to === null) return bad('to must be { function, trigger } or { subscription }');
  const subject = readSubjectFields(to as Body);
  if (typeof subject !== 'object') return bad(`to: ${subject ?? 'name a function or a subscription'}`);
  const namespaceUid = view.namespaceUid(namespace);
  const { kind, name, trigger } = subject;
  const table = view.table();
  if (kind === 'subscription') {
    if (subscriptionIn(table, namespaceUid, name) !== undefined) return formatOutgoing({ namespaceUid, kind, name });
    return { status: 404, message: `there is no subscription ${namespace}/${name}` };
  }
  const entry = functionIn(table, namespaceUid, name);
  if (entry === undefined) return { status: 404, message: `there is no function ${namespace}/${name}` };
  const names = entry.triggers.map((each) => each.name);
  if (trigger !== undefined && !names.includes(trigger)) {
    return { status: 404, message: `${namespace}/${name} has no trigger ${trigger}; it has ${names.join(', ')}` };
  }
  if (trigger === undefined && names.length > 1) {
    return bad(`${namespace}/${name} has the triggers ${names.join(', ')}: say which one takes it`);
  }
  const chosen = trigger ?? names[0];
  const target = chosen === undefined ? { handler: 'default' } : { trigger: chosen };
  return formatDestination({ namespaceUid, functionName: name, target });
}

function plainCount(view: LiveView, namespaceUid: string, { count, exact, byDestination }: DeliveryCount) {
  const destinations = [...byDestination].map(([destination, each]) => {
    const to = addresseeOf(destination);
    const why = whyNotServed(view.table(), namespaceUid, to);
    return { to, count: each, ...(why === undefined ? {} : { waitsFor: why }) };
  });
  return { count, exact, destinations };
}

function plainReplay({ started, ...status }: ReplayStatus): Readonly<Record<string, unknown>> {
  return { ...status, started: new Date(started).toISOString() };
}

function unknownReplay(namespace: string, generation: number): LiveAnswer {
  return { status: 404, message: `no replay ${generation} of namespace ${namespace} is remembered` };
}
