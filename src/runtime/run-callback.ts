/** One attempt to call back: signed with the function's own key, within the function's own egress. */
import { breakerKey } from '../delivery/breakers.ts';
import { judgeAnswer, type OutgoingAnswer } from '../delivery/judge-answer.ts';
import { messageId } from '../delivery/format-outgoing.ts';
import type { Attempt, GivenBack } from '../delivery/run-attempts.ts';
import { parseOutgoing } from '../delivery/outgoing-destination.ts';
import { endAttempt } from '../delivery/retry-schedule.ts';
import { sendOutgoing } from '../delivery/send-outgoing.ts';
import { signWebhook } from '../delivery/sign-webhook.ts';
import { outgoingScheduleMs } from '../routing/build-subscription.ts';
import type { CallbackEntry } from '../routing/types.ts';
import type { Ending, KeyValueWrite, Lease } from '../store/store.ts';
import { rootBudget } from '../triggers/event-budget.ts';
import type { CallOutcome } from './add-callback.ts';
import { checkCallbackUrl } from './choose-callback.ts';
import type { LiveFunction } from './live-function.ts';
import { callbackConcurrency, outgoingKey } from './outgoing-slots.ts';
import { outgoingOf, record, type WebhookFindings } from './record-webhook.ts';
import { budgetHeader, hopsHeader } from './screen-request.ts';
import { reportAnswer, sendAdmitted } from './send-admitted.ts';
import { readAttributes } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

const timeoutMs = 15_000;
const absentMs = 1000;
const noPlaceMs = 50;

export async function runCallback(lease: Lease, signal: AbortSignal, parts: WorkerParts): Promise<Attempt | GivenBack> {
  const destination = parseOutgoing(lease.destination);
  const fn = destination && parts.table.inScope(destination.namespaceUid, destination.name);
  if (destination === undefined || fn === undefined) return { giveBackMs: absentMs };
  const { keys, clock } = parts;
  const place = keys.takePlace(outgoingKey(destination), callbackConcurrency, clock.wall());
  if (place === undefined) return { giveBackMs: noPlaceMs };
  try {
    return await attemptCallback(fn, lease, signal, parts);
  } finally {
    keys.releasePlace(place);
  }
}

async function attemptCallback(
  fn: LiveFunction,
  lease: Lease,
  signal: AbortSignal,
  parts: WorkerParts,
): Promise<Attempt | GivenBack> {
  const { namespace, namespaceUid, name, uid, revision } = fn.entry;
  const attributes = readAttributes(lease.event);
  const { callback: wanted, outcome } = attributes;
  const url = wanted?.url ?? '';
  const began = parts.clock.monotonic();
  const end = (ending: Ending, findings: WebhookFindings = {}, writes: readonly KeyValueWrite[] = []): Attempt => {
    const who = { kind: 'callback', namespaceUid, namespace, functionUid: uid, functionName: name, revision } as const;
    record(lease, began, ending, findings, { ...who, outgoing: outgoingOf(url, false, findings) }, parts);
    return { ending, effects: { writes } };
  };
  const callback = entryOf(fn, outcome);
  if (callback === undefined || outcome === undefined) {
    return end({ kind: 'dead', reason: 'CallbackNotConfigured', error: 'the function has no callback any more' });
  }
  // Without its secrets it waits: they come back with the controller.
  if (callback.secrets.length === 0) return { giveBackMs: absentMs };
  // Gates take effect at once, for what waits as well.
  const allowed = checkCallbackUrl(url, callback, parts.settings.policy, namespace);
  if (!allowed.ok) return end({ kind: 'dead', reason: 'EgressDenied', error: allowed.message });
  const breaker = breakerKey(namespaceUid, url);
  await parts.outgoing.breakers.refresh(breaker);
  const now = parts.clock.wall();
  const { body } = lease.event;
  const secrets = callback.secrets.map((secret) => new Uint8Array(Buffer.from(secret, 'base64')));
  const send = (): Promise<OutgoingAnswer> =>
    sendOutgoing(
      fn.context.outbound,
      {
        url,
        headers: attributes.contentType === undefined ? [] : [['content-type', attributes.contentType]],
        hostHeaders: [
          ...Object.entries(signWebhook(messageId(lease.event.id), now, body, secrets)),
          ...outcomeHeaders(name, outcome),
          [hopsHeader, String(attributes.hops ?? 0)],
          [budgetHeader, String(attributes.budget ?? rootBudget)],
          ...(attributes.traceparent === undefined ? [] : [['traceparent', attributes.traceparent] as const]),
        ],
        body,
        timeoutMs,
        signal,
        secretTexts: secrets.map((secret) => Buffer.from(secret).toString('utf8')),
      },
      now,
    );
  const sent = await sendAdmitted(breaker, false, parts, send);
  if ('giveBackMs' in sent) return sent;
  if (signal.aborted) return { giveBackMs: 0 };
  const { answer } = sent;
  const judgement = judgeAnswer(answer);
  const transition = reportAnswer(breaker, answer, judgement, parts);
  const ending = endAttempt(judgement.result, lease.attempt, outgoingScheduleMs, Math.random);
  return end(ending, answer.kind === 'answered' ? { status: answer.status } : {}, transition);
}

/** The trigger's own callback, else the function's. */
function entryOf(fn: LiveFunction, outcome: CallOutcome | undefined): CallbackEntry | undefined {
  const trigger = fn.entry.triggers.find(({ name }) => name === outcome?.trigger);
  return trigger?.kind === 'http' ? trigger.callback : fn.entry.callback;
}

/** Names as OpenFaaS has them: https://docs.openfaas.com/reference/async/ */
function outcomeHeaders(functionName: string, outcome: CallOutcome): readonly (readonly [string, string])[] {
  return [
    ['x-call-id', outcome.callId],
    ['x-duration-seconds', (outcome.durationMs / 1000).toFixed(6)],
    ['x-function-name', functionName],
    ['x-function-status', String(outcome.status)],
    ['x-retry', String(outcome.retries)],
    ['x-retry-max', String(outcome.mostRetries)],
  ];
}
