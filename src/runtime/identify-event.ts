/** What the verified request says about itself, and whether the trigger wants it. */
import { decideEvent } from '../receivers/event-filter.ts';
import { answerWithHost } from './answer-handshake.ts';
import type { HttpCall } from './http-call.ts';
import type { WorkerParts } from './worker-parts.ts';

export function identifyEvent(call: HttpCall, parts: WorkerParts): void {
  const { trigger, sender } = call;
  const receiver = trigger?.receiver;
  if (receiver === undefined || sender === undefined) return undefined;
  const identified = receiver.prepared.identify(call, sender);
  call.identified = identified;
  const events = trigger?.http?.receiver.events;
  switch (decideEvent(receiver.prepared.profile, events, identified.name)) {
    case 'run':
      return undefined;
    case 'handshake':
      call.note('events', true, `${identified.name} only tests the connection`);
      return acknowledge(call, parts, 'ok');
    case 'filtered':
      call.note('events', false, `${identified.name} is not in the trigger's events`);
      return acknowledge(call, parts, 'filtered');
  }
}

/** The answer that this sender expects for an event that was taken. */
export function acknowledge(
  call: HttpCall,
  parts: WorkerParts,
  outcome: 'ok' | 'accepted' | 'filtered' | 'duplicate',
  extra: readonly (readonly [string, string])[] = [],
): void {
  const prepared = call.trigger?.receiver?.prepared;
  const answer = prepared?.acknowledge?.(call) ?? prepared?.profile.acknowledgement ?? { status: 202 };
  answerWithHost(call, parts, answer, outcome, extra);
}
