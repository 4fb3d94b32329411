/** One attempt of a webhook: filter, transform, breaker, signature, request, verdict; what follows lands with the settle. */
import { breakerKey } from '../delivery/breakers.ts';
import { messageId } from '../delivery/format-outgoing.ts';
import { judgeAnswer, type Judgement, type OutgoingAnswer } from '../delivery/judge-answer.ts';
import type { Attempt, GivenBack } from '../delivery/run-attempts.ts';
import { originHeader } from '../delivery/permission.ts';
import { endAttempt } from '../delivery/retry-schedule.ts';
import { sendOutgoing } from '../delivery/send-outgoing.ts';
import { signAsGithub, signWebhook } from '../delivery/sign-webhook.ts';
import { switchOffAfterMs, type SwitchedOff } from '../delivery/subscription-health.ts';
import type { AppendItem, Ending, KeyValueWrite, Lease } from '../store/store.ts';
import { rootBudget } from '../triggers/event-budget.ts';
import { secretTextsOf, type LiveSubscription } from './live-subscriptions.ts';
import { outgoingKey } from './outgoing-slots.ts';
import { prepareWebhook, type PreparedWebhook } from './prepare-webhook.ts';
import { recordWebhook, type WebhookFindings } from './record-webhook.ts';
import { budgetHeader, hopsHeader } from './screen-request.ts';
import { reportAnswer, sendAdmitted } from './send-admitted.ts';
import type { LimitedKey } from './shared-keys.ts';
import { readAttributes } from './stored-event.ts';
import { deadWebhookItem, systemItem, systemTypes } from './system-event.ts';
import type { WorkerParts } from './worker-parts.ts';

/** A person asks whether the receiver is there: one attempt, past filter, breaker and rate. */
export const pingType = 'dev.moonhook.ping';
/** Not served here now: looked at again after so long. */
const absentMs = 1000;
const noPlaceMs = 50;

export async function runWebhook(lease: Lease, signal: AbortSignal, parts: WorkerParts): Promise<Attempt | GivenBack> {
  const live = parts.subscriptions.at(lease.destination);
  if (live === undefined || live.broken || live.entry.suspended || live.entry.unresolved !== undefined) {
    return { giveBackMs: absentMs };
  }
  const { keys, clock } = parts;
  const place = keys.takePlace(keyOf(live), live.entry.concurrency, clock.wall());
  if (place === undefined) return { giveBackMs: noPlaceMs };
  try {
    return await concludeWebhook(await attemptWebhook(live, lease, signal, parts), live, lease, parts);
  } finally {
    keys.releasePlace(place);
  }
}

/** One that is given up is told on the bus of its namespace, with its ending. */
async function concludeWebhook(
  attempt: Attempt | GivenBack,
  { entry }: LiveSubscription,
  lease: Lease,
  parts: WorkerParts,
): Promise<Attempt | GivenBack> {
  if ('giveBackMs' in attempt || attempt.ending.kind !== 'dead') return attempt;
  const { ending, effects } = attempt;
  const told = await deadWebhookItem(entry, lease, ending, parts);
  return told === undefined ? attempt : { ending, effects: { ...effects, append: [...(effects?.append ?? []), told] } };
}

const keyOf = ({ entry }: LiveSubscription): LimitedKey =>
  outgoingKey({ namespaceUid: entry.namespaceUid, kind: 'subscription', name: entry.name });

async function attemptWebhook(
  live: LiveSubscription,
  lease: Lease,
  signal: AbortSignal,
  parts: WorkerParts,
): Promise<Attempt | GivenBack> {
  const { entry } = live;
  const { namespaceUid, name } = entry;
  const { outgoing, clock } = parts;
  const began = clock.monotonic();
  const ping = lease.event.type === pingType;
  const schedule = ping ? [] : entry.retryScheduleMs;
  const end = (judged: Ending, more: WebhookFindings = {}): Ending => {
    // Whoever asks is told at once: a ping that failed is nobody's dead letter, and nothing to replay.
    const failed = ping && judged.kind === 'dead' ? judged.error : undefined;
    const ending: Ending = failed === undefined ? judged : { kind: 'done' };
    if (!ping) parts.rare.webhook(entry.namespace, name, ending.kind);
    recordWebhook(live, lease, began, ending, failed === undefined ? more : { ...more, failed }, parts);
    return ending;
  };

  const off = await outgoing.health.switchedOff(namespaceUid, name);
  if (off?.identity === live.identity && !ping) {
    return { ending: end({ kind: 'dead', reason: 'SubscriptionDisabled', error: `switched off: ${off.error}` }) };
  }
  const prepared = await prepareWebhook(live, lease, parts, ping, signal);
  if (prepared.kind !== 'message') {
    const judged = endOfPreparation(prepared, lease, schedule);
    return { ending: end(judged, prepared.kind === 'failed' ? { error: prepared.error } : { by: prepared.by }) };
  }
  const breaker = breakerKey(namespaceUid, entry.url);
  await outgoing.breakers.refresh(breaker);
  const sent = await sendPermitted(live, breaker, ping, parts, () =>
    send(live, lease, prepared.message, signal, parts),
  );
  if ('giveBackMs' in sent) return sent;
  const { answer } = sent;
  // The lease was lost or the worker ends: this says nothing about the receiver.
  if (signal.aborted) return { giveBackMs: 0 };
  const judgement = judgeAnswer(answer);
  const transition = reportAnswer(breaker, answer, judgement, parts);
  const ending = end(endAttempt(judgement.result, lease.attempt, schedule, Math.random), {
    ...(answer.kind === 'answered' ? { status: answer.status } : {}),
    ...(prepared.usage === undefined ? {} : { usage: prepared.usage }),
  });
  const { writes, append } = await consequences(live, lease, judgement, parts);
  return { ending, effects: { writes: [...writes, ...transition], append } };
}

/** Asks the receiver first where it wants to be asked; what it allows, and the subscription's rate, is kept. */
async function sendPermitted(
  live: LiveSubscription,
  breaker: string,
  ping: boolean,
  parts: WorkerParts,
  post: () => Promise<OutgoingAnswer>,
): Promise<{ readonly answer: OutgoingAnswer } | GivenBack> {
  const { outgoing, keys, clock } = parts;
  if (live.entry.handshake !== undefined) {
    const asked = await sendAdmitted(breaker, ping, parts, () => outgoing.permissions.ask(live, ping));
    if ('giveBackMs' in asked) return asked;
    const { answer } = asked;
    if (answer !== undefined) return { answer };
  }
  const rate = outgoing.permissions.rateOf(live);
  if (!ping && rate !== undefined && outgoing.breakers.waitOf(breaker) === 0) {
    const turn = keys.takeRate(keyOf(live), rate.requests, rate.perMs, clock.wall());
    if (!turn.ok) return { giveBackMs: turn.retryAfterMs };
  }
  return sendAdmitted(breaker, ping, parts, post);
}

function endOfPreparation(
  prepared: Exclude<PreparedWebhook, { readonly kind: 'message' }>,
  lease: Lease,
  schedule: readonly number[],
): Ending {
  if (prepared.kind === 'filtered') return { kind: 'filtered' };
  const { reason, error, retryAfterMs } = prepared;
  const again = {
    kind: 'again',
    error: error.message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  } as const;
  const ending = endAttempt(again, lease.attempt, schedule, Math.random);
  return ending.kind === 'dead' ? { ...ending, reason } : ending;
}

function send(
  live: LiveSubscription,
  lease: Lease,
  message: (PreparedWebhook & { readonly kind: 'message' })['message'],
  signal: AbortSignal,
  parts: WorkerParts,
): Promise<OutgoingAnswer> {
  const { entry, secrets } = live;
  const now = parts.clock.wall();
  const { hops = 0, traceparent, budget = rootBudget } = readAttributes(lease.event);
  const [first] = secrets;
  return sendOutgoing(
    live.context.outbound,
    {
      url: entry.url,
      headers: message.headers,
      hostHeaders: [
        ...Object.entries(signWebhook(messageId(lease.event.id), now, message.body, secrets)),
        ...(entry.format === 'github' && first !== undefined ? [signAsGithub(message.body, first)] : []),
        [hopsHeader, String(hops + 1)],
        [budgetHeader, String(budget)],
        ...(entry.handshake === undefined ? [] : [[originHeader, entry.handshake.origin] as const]),
        ...(traceparent === undefined ? [] : [['traceparent', traceparent] as const]),
      ],
      body: message.body,
      timeoutMs: entry.timeoutMs,
      signal,
      secretTexts: secretTextsOf(live),
    },
    now,
  );
}

interface Consequences {
  readonly writes: readonly KeyValueWrite[];
  readonly append: readonly AppendItem[];
}

/** The subscription's health, and whether this was the end of it. */
async function consequences(
  { entry, identity, destination }: LiveSubscription,
  lease: Lease,
  { result, gone }: Judgement,
  parts: WorkerParts,
): Promise<Consequences> {
  const { namespaceUid, namespace, name } = entry;
  const { health } = parts.outgoing;
  const at = parts.clock.wall();
  if (result.kind === 'done') return { writes: health.success(namespaceUid, name), append: [] };
  const error = 'error' in result ? result.error : '';
  const { writes, onlyFailuresMs } = await health.failure(namespaceUid, name, identity, error);
  if (!gone && onlyFailuresMs < switchOffAfterMs) return { writes, append: [] };
  const off: SwitchedOff = { at, reason: gone ? 'Gone' : 'OnlyFailures', error, identity };
  const told = await systemItem(
    {
      type: systemTypes.subscriptionDisabled,
      namespaceUid,
      namespace,
      name,
      // Two deliveries that find it out at once say it once.
      identity: [identity, off.reason],
      data: { subscription: name, reason: off.reason, error },
      cause: lease.event,
      except: destination,
    },
    parts,
  );
  return {
    writes: [...writes, ...health.switchOff(namespaceUid, name, off)],
    append: told === undefined ? [] : [told],
  };
}
