/** What the verified request says about itself, and whether the trigger wants it. */
import { decideEvent } from '../receivers/event-filter.ts';
import type { BatchItem } from '../receivers/types.ts';
import { answerWithHost } from './answer-handshake.ts';
import type { HttpCall } from './http-call.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

export function identifyEvent(call: HttpCall, parts: WorkerParts): void {
  const { trigger, sender } = call;
  const receiver = trigger?.receiver;
  if (receiver === undefined || sender === undefined) return undefined;
  const identified = receiver.prepared.identify(call, sender);
  call.identified = identified;
  if (isForged(identified) || identified.items?.some(isForged) === true) {
    const detail = `types below ${platformTypes} are set by Moonhook only`;
    return refuse(call, parts, 'RequestInvalid', { outcome: 'unmatched', publicDetail: detail });
  }
  const { events } = receiver;
  if (identified.items !== undefined) return keepWanted(call, parts, events, identified.items);
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

const platformTypes = 'dev.moonhook.';

/** A sender that writes the whole type itself (CloudEvents) must not speak for the platform. */
const isForged = ({ name, type }: { readonly name: string; readonly type: string }): boolean =>
  type === name && type.startsWith(platformTypes);

/** Of a batch only the items that the trigger names go on; the batch as a whole has no name to be judged by. */
function keepWanted(
  call: HttpCall,
  parts: WorkerParts,
  events: readonly string[] | undefined,
  items: readonly BatchItem[],
): void {
  const profile = call.trigger?.receiver?.prepared.profile;
  if (profile === undefined || call.identified === undefined) return undefined;
  const wanted = items.filter(({ name }) => decideEvent(profile, events, name) === 'run');
  if (wanted.length === items.length && items.length > 0) return undefined;
  call.note('events', wanted.length > 0, `${wanted.length} of ${items.length} items are wanted`);
  if (wanted.length === 0) return acknowledge(call, parts, 'filtered');
  call.identified = { ...call.identified, items: wanted };
  return undefined;
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
