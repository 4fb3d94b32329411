/** Reads the raw body within the limit of the trigger. */
import type { HttpCall } from './http-call.ts';
import { knownBody, readBody, type BodyResult } from './read-body.ts';
import { refuse } from './refuse.ts';
import { endCall } from './answer-call.ts';
import type { Waiting } from './take-steps.ts';
import type { WorkerParts } from './worker-parts.ts';

export function readRequestBody(call: HttpCall, parts: WorkerParts): void | Waiting {
  const limits = call.trigger?.bounds ?? call.fn?.limits;
  const { eventBytes } = parts.settings.asynchronous;
  const stored = call.trigger?.asynchronous === true || call.asynchronous || call.bus !== undefined;
  const own = limits?.requestBodyBytes ?? eventBytes;
  const limit = stored ? Math.min(own, eventBytes) : own;
  const known = knownBody(call.head, limit);
  if (known !== undefined) return take(call, parts, known, limit);
  return (done, failed) =>
    readBody(call.request, call.head, limit, call.ip, parts.reading, (result) => {
      try {
        take(call, parts, result, limit);
      } catch (error) {
        return failed(error);
      }
      return done();
    });
}

function take(call: HttpCall, parts: WorkerParts, result: BodyResult, limit: number): void {
  if (result.ok) {
    call.body = result.body;
    return undefined;
  }
  switch (result.why) {
    case 'tooLarge':
      call.note('body', false, `over the limit of ${limit} bytes`);
      return refuse(call, parts, 'BodyTooLarge', {
        outcome: 'limited',
        publicDetail: `the body may have ${limit} bytes`,
      });
    case 'overloaded':
      return refuse(call, parts, 'Overloaded', {
        outcome: 'overloaded',
        detail: 'too many bytes of bodies are being read',
        retryAfterMs: 1000,
      });
    case 'aborted':
      // Nobody is there to be answered.
      call.answered = true;
      parts.openRequests -= 1;
      return endCall(call, parts, 0, { outcome: 'cancelled', detail: 'the sender closed the connection midway' });
  }
}
