/** Answers what a controller asks for the aggregated API: each question is about one namespace, or about all there are. */
import { dumpSubscription, dumpTable } from '../../routing/dump-table.ts';
import { longestLiveAnswer, type LiveAct, type LiveAnswer, type LiveQuery } from '../../link/live-questions.ts';
import type { Answerer } from '../../link/exchange.ts';
import type { DownTopic } from '../../link/protocol.ts';
import { cancelReplay, cancelWaiting, getReplay, replayDeliveries } from './act-answers.ts';
import { listCalls, listRunningCalls, readFilter } from './call-answers.ts';
import { describeDelivery, explainId, listDeliveries, readDeliveryQuery } from './delivery-answers.ts';
import { subscriptionIn } from './destination-view.ts';
import { effectiveFunction, effectiveSubscription } from './effective-spec.ts';
import { explainRequest, type SupposedRequest } from './explain-request.ts';
import type { DeliveryFollows } from './follow-deliveries.ts';
import type { FollowSessions } from './follow-sessions.ts';
import { deleteKeyValue, readKeyValues, setKeyValue } from './key-value-answers.ts';
import type { LiveView } from './live-view.ts';
import { narrowView } from './narrow-view.ts';
import { listPastEvents } from './past-events.ts';
import type { PassRequest } from './pass-request.ts';
import { sendPing } from './ping-subscription.ts';
import { scheduleTimes } from './schedule-times.ts';
import { tellRefusal } from './tell-refusal.ts';

export interface LiveParts {
  /** Of all namespaces. */
  readonly view: LiveView;
  readonly follows: FollowSessions;
  readonly deliveries: DeliveryFollows;
  /** To the call listener of this process. */
  readonly passRequest: PassRequest;
}

const bad = (message: string): LiveAnswer => ({ status: 400, message });

/** The topics `query` and `act`; whatever cannot be answered is said with its reason. */
export function createLiveAnswers(parts: LiveParts): Answerer<DownTopic> {
  return async (topic, body, signal) => {
    if (topic !== 'query' && topic !== 'act') {
      return { ok: false, code: 'Unsupported', message: `this runtime does not answer ${topic}` };
    }
    if (typeof body !== 'object' || body === null || !('op' in body)) {
      return { ok: false, code: 'Refused', message: 'the question names no operation' };
    }
    const answer =
      topic === 'query'
        ? await answerQuery(parts, body as LiveQuery, signal)
        : await tellRefusal(() => answerAct(parts, body as LiveAct, signal));
    if (answer === undefined) {
      return { ok: false, code: 'Unsupported', message: `this runtime knows no ${String(body.op)}: it is older` };
    }
    if (answer.status === 200 && Buffer.byteLength(JSON.stringify(answer.body)) > longestLiveAnswer) {
      return { ok: true, body: bad('the answer would be larger than 3 MiB: ask for less, with a smaller limit') };
    }
    return { ok: true, body: answer };
  };
}

async function answerQuery(
  parts: LiveParts,
  question: LiveQuery,
  signal: AbortSignal,
): Promise<LiveAnswer | undefined> {
  const { namespace } = question;
  const name = namespace?.name;
  const view = narrowView(parts.view, namespace, 'depth' in question ? question.depth : 'outline');
  switch (question.op) {
    case 'deliveries': {
      const read = readDeliveryQuery(question.query);
      if (typeof read === 'string') return bad(read);
      const { remember } = question;
      if (remember === undefined) return listDeliveries(view, name, read);
      return parts.deliveries.list({ view, namespace, query: read, snapshot: remember });
    }
    case 'deliveryChanges': {
      const read = readDeliveryQuery(question.query);
      if (typeof read === 'string') return bad(read);
      const { snapshot, from, to, waitMs } = question;
      const asked = { view, namespace, query: read, snapshot, from, to, waitMs, signal };
      return { status: 200, body: await parts.deliveries.changes(asked) };
    }
    case 'delivery':
      return describeDelivery(
        view,
        question.namespace.name,
        question.id,
        question.body === true && question.depth === 'full',
      );
    case 'explain':
      return explainId(view, name, question.id);
    case 'calls':
    case 'running': {
      const filter = readFilter({ ...question.query, ...(name === undefined ? {} : { namespace: name }) });
      if (typeof filter === 'string') return bad(filter);
      return question.op === 'calls' ? listCalls(view, filter) : listRunningCalls(view, filter);
    }
    case 'follow': {
      const filter = readFilter({ ...question.query, ...(name === undefined ? {} : { namespace: name }) });
      if (typeof filter === 'string') return bad(filter);
      const { cursor, waitMs, depth } = question;
      const namespaceUid = namespace?.uid ?? '';
      const body = await parts.follows.next({ view, namespaceUid, depth, filter, cursor, waitMs, signal });
      return { status: 200, body };
    }
    case 'explainRequest': {
      const { uid, urls, request } = question;
      return explainRequest(view, { uid, urls }, request as unknown as SupposedRequest, question.namespace.uid);
    }
    case 'pastEvents':
      return listPastEvents(view, question.namespace.name, question.name, question.catching);
    case 'standing':
      return standing(view, question.namespace.name, question.uid);
    case 'replayStatus':
      return getReplay(view, question.namespace.name, question.generation);
    case 'readKeys':
      return readKeyValues(view, question.namespace.name, question.query);
    default:
      return undefined;
  }
}

async function answerAct(parts: LiveParts, act: LiveAct, signal: AbortSignal): Promise<LiveAnswer | undefined> {
  const { namespace } = act;
  const view = narrowView(parts.view, namespace, 'logs');
  switch (act.op) {
    case 'replay':
      return replayDeliveries(view, namespace.name, act.body);
    case 'cancelReplay':
      return cancelReplay(view, namespace.name, act.generation);
    case 'cancel':
      return cancelWaiting(view, namespace.name, act.body);
    case 'setKey':
      return setKeyValue(view, namespace.name, act.body);
    case 'deleteKey':
      return deleteKeyValue(view, namespace.name, act.query);
    case 'ping': {
      const entry = subscriptionIn(view.table(), namespace.uid, act.name);
      if (entry === undefined || entry.suspended || entry.unresolved !== undefined) {
        const why = entry?.unresolved?.message ?? (entry === undefined ? 'it is not ready' : 'it is suspended');
        return bad(`whs/${act.name} sends nothing now: ${why}`);
      }
      // The API server ends what takes longer than a minute.
      return sendPing(view, entry, 45_000);
    }
    case 'request': {
      const served = parts.view.namespaceUid(namespace.name);
      // A namespace that was made again calls nothing of the one before.
      if (served !== '' && served !== namespace.uid) return bad('the namespace is another one here: try again');
      return parts.passRequest(act, signal);
    }
    default:
      return undefined;
  }
}

async function standing(view: LiveView, namespace: string, uid: string): Promise<LiveAnswer> {
  const namespaceUid = view.namespaceUid(namespace);
  const entry = view.table().functions.get(uid);
  if (entry?.namespaceUid === namespaceUid) {
    const [dumped = {}] = dumpTable({ version: 0, functions: new Map([[uid, entry]]) }).functions;
    const schedules = await scheduleTimes(view, entry);
    const times = schedules.length === 0 ? {} : { schedules };
    return { status: 200, body: { ...times, effective: effectiveFunction(dumped) } };
  }
  const subscription = view.table().subscriptions?.get(uid);
  if (subscription?.namespaceUid !== namespaceUid) return { status: 200, body: {} };
  return { status: 200, body: { effective: effectiveSubscription(dumpSubscription(subscription)) } };
}
