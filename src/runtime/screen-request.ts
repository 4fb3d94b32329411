/** First look at a request, before it is known whose it is: bounds that protect the process, and the chain of calls. */
import type { IncomingMessage } from 'node:http';
import { readBudget } from '../triggers/event-budget.ts';
import { isHost } from './absolute-target.ts';
import type { HttpCall } from './http-call.ts';
import { refuse } from './refuse.ts';
import type { RequestHead } from './request-head.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Header that carries how many calls came before in a chain; only ever shortens what a caller may do. */
export const hopsHeader = 'x-moonhook-hops';

/** Header that carries how many events may still descend from a request; it can only lower the number. */
export const budgetHeader = 'x-moonhook-budget';

/** Chains of calls, events and own-host requests end here. */
export const maxHops = 8;

export function screenRequest(call: HttpCall, parts: WorkerParts): void {
  const { inbound } = parts.settings;
  const { request, head } = call;
  call.ip = parts.clientAddress(request.socket.remoteAddress, head.forwardedFor);
  if (parts.openRequests > inbound.openRequests) {
    return refuse(call, parts, 'Overloaded', { outcome: 'overloaded', retryAfterMs: 1000 });
  }
  if (request.rawHeaders.length > inbound.headerCount * 2) {
    return refuse(call, parts, 'HeadersTooLarge', {
      outcome: 'limited',
      publicDetail: `more than ${inbound.headerCount} header lines`,
    });
  }
  if (request.refusal !== undefined) {
    const { code, detail } = request.refusal;
    return refuse(call, parts, code, { outcome: 'limited', publicDetail: detail });
  }
  const mistake = mistakeOf(request, head);
  if (mistake !== undefined)
    return refuse(call, parts, 'RequestInvalid', { outcome: 'limited', publicDetail: mistake });
  const { hops, budget } = head;
  if (hops !== undefined) countHops(call, parts, hops);
  if (budget !== undefined && !call.answered) takeBudget(call, parts, budget);
  return undefined;
}

/** What a proxy before us may read otherwise than we do, and a method that only shows a browser's secrets to its page. */
function mistakeOf(request: IncomingMessage, { hosts, host, transferEncoding }: RequestHead): string | undefined {
  if (request.method === 'TRACE') return 'the method TRACE is not served';
  if (hosts > 1) return 'more than one Host header';
  if (host === undefined && request.httpVersion === '1.1') return 'there is no Host header';
  if (host !== undefined && !isHost(host)) return 'the Host header is not a host';
  if (request.httpVersionMajor < 1) return 'the version of HTTP is missing';
  if (transferEncoding === undefined) return undefined;
  // RFC 9112 §6.1: in HTTP/1.0 it is faulty; and what is encoded besides would be taken for the body as it was sent.
  if (request.httpVersion === '1.0') return 'HTTP/1.0 has no Transfer-Encoding';
  return transferEncoding.toLowerCase() === 'chunked' ? undefined : 'a Transfer-Encoding other than chunked';
}

function takeBudget(call: HttpCall, parts: WorkerParts, text: string): void {
  const budget = readBudget(text);
  if (budget === undefined) {
    const publicDetail = `${budgetHeader} is not a whole number`;
    return refuse(call, parts, 'RequestInvalid', { outcome: 'limited', publicDetail });
  }
  call.budget = budget;
  if (budget > 0) return undefined;
  const publicDetail = 'the events that may descend from the one this chain began with are used up';
  return refuse(call, parts, 'HopLimit', { outcome: 'limited', publicDetail });
}

function countHops(call: HttpCall, parts: WorkerParts, text: string): void {
  if (!/^\d{1,3}$/.test(text)) {
    return refuse(call, parts, 'RequestInvalid', {
      outcome: 'limited',
      publicDetail: `${hopsHeader} is not a whole number`,
    });
  }
  call.hops = Number(text);
  if (call.hops >= maxHops) return refuse(call, parts, 'HopLimit', { outcome: 'limited' });
  return undefined;
}
