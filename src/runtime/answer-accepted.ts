/** The 202 to an asynchronous active call, or to what was sent to a namespace's bus. */
import { answerCall } from './answer-call.ts';
import type { HttpCall } from './http-call.ts';
import { prefersAsync } from './match-call.ts';
import type { WorkerParts } from './worker-parts.ts';

/** How long an `Idempotency-Key` is remembered, and the id of a published event. */
export const keyWindowMs = 72 * 3_600_000;

/** RFC 7240 §3. */
const preferenceApplied = ['preference-applied', 'respond-async'] as const;

/** An id that a caller chose, as a header may carry it. */
const headerText = (id: string): string => (/^[\x21-\x7e]*$/.test(id) ? id : encodeURIComponent(id));

export function answerAccepted(
  call: HttpCall,
  parts: WorkerParts,
  outcome: 'accepted' | 'duplicate' | 'unmatched',
  body: Readonly<Record<string, unknown>>,
  duplicateOf?: string,
): void {
  answerCall(
    call,
    parts,
    {
      status: 202,
      headers: [
        ['content-type', 'application/json'],
        ...(call.fn !== undefined && prefersAsync(call.header('prefer')) ? [preferenceApplied] : []),
        ...(duplicateOf === undefined ? [] : [['x-moonhook-duplicate-of', headerText(duplicateOf)] as const]),
      ],
      body: `${JSON.stringify({ ...body, durable: parts.store.durable })}\n`,
    },
    { outcome },
  );
}
