/** Checks of the URL by a sender, answered by the host without Lua. */
import type { HostAnswer } from '../receivers/types.ts';
import { answerCall } from './answer-call.ts';
import type { HttpCall } from './http-call.ts';
import { toolsOf } from './verify-sender.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Before verification: the sender has no proof to give yet. */
export function answerHandshake(call: HttpCall, parts: WorkerParts): void {
  const receiver = call.trigger?.receiver;
  if (receiver === undefined) return;
  const answer = receiver.prepared.handshake(call, receiver.secrets);
  if (answer !== undefined) sendHandshake(call, parts, answer);
}

/** After verification: the check itself is signed. */
export function answerVerifiedHandshake(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  const prepared = call.trigger?.receiver?.prepared;
  const answer = prepared?.verifiedHandshake?.(call);
  if (answer !== undefined) return sendHandshake(call, parts, answer);
  return prepared?.confirm?.(call, toolsOf(call, parts)).then((confirmed) => {
    if (confirmed !== undefined) sendHandshake(call, parts, confirmed);
  });
}

function sendHandshake(call: HttpCall, parts: WorkerParts, answer: HostAnswer): void {
  call.note('handshake', true, 'answered by the host');
  answerWithHost(call, parts, answer, 'ok');
}

/** Sends an answer the receiver dictates. */
export function answerWithHost(
  call: HttpCall,
  parts: WorkerParts,
  { status, headers, body }: HostAnswer,
  outcome: 'ok' | 'accepted' | 'filtered' | 'duplicate',
  extra: readonly (readonly [string, string])[] = [],
): void {
  // What nearly every accepted event is answered with.
  if (headers === undefined && body === undefined) {
    return answerCall(call, parts, { status, headers: extra }, { outcome });
  }
  const all: [string, string][] = [
    ...Object.entries(headers ?? {}).map(([name, value]): [string, string] => [name.toLowerCase(), value]),
    ...extra.map(([name, value]): [string, string] => [name, value]),
  ];
  if (body !== undefined && !all.some(([name]) => name === 'content-type')) {
    all.push(['content-type', 'text/plain; charset=utf-8']);
  }
  answerCall(call, parts, { status, headers: all, ...(body === undefined ? {} : { body }) }, { outcome });
}
