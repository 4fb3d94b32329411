/** Sends a request past the breaker of its host, and tells the breaker how it went. */
import type { GivenBack } from '../delivery/run-attempts.ts';
import type { Judgement, OutgoingAnswer } from '../delivery/judge-answer.ts';
import type { KeyValueWrite } from '../store/store.ts';
import type { WorkerParts } from './worker-parts.ts';

/** `forced`: a person asks, whatever the breaker says. */
export async function sendAdmitted<Answer>(
  breaker: string,
  forced: boolean,
  { outgoing }: WorkerParts,
  send: () => Promise<Answer>,
): Promise<{ readonly answer: Answer } | GivenBack> {
  if (forced) return { answer: await send() };
  const admitted = outgoing.breakers.admit(breaker);
  if (!admitted.go) return { giveBackMs: admitted.waitMs };
  try {
    return { answer: await send() };
  } finally {
    admitted.release();
  }
}

/** What is written with the ending. Any answer shows a probe that the host is there, even one that refuses the event. */
export function reportAnswer(
  breaker: string,
  answer: OutgoingAnswer,
  { health }: Judgement,
  { outgoing: { breakers } }: WorkerParts,
): readonly KeyValueWrite[] {
  if (health !== 'neutral') return breakers.report(breaker, health);
  return answer.kind === 'answered' && breakers.isProbing(breaker) ? breakers.report(breaker, 'success') : [];
}

/** The one place for a probe of a host, over all threads. */
export function takeProbe({ keys, clock }: WorkerParts, breaker: string): (() => void) | undefined {
  const at = breaker.indexOf(' ');
  const limited = { namespaceUid: breaker.slice(0, at), scope: `probe ${breaker.slice(at + 1)}` };
  const place = keys.takePlace(limited, 1, clock.wall());
  return place === undefined ? undefined : () => keys.releasePlace(place);
}
