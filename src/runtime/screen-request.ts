/** First look at a request, before it is known whose it is: bounds that protect the process, and the chain of calls. */
import { readBudget } from '../triggers/event-budget.ts';
import type { HttpCall } from './http-call.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Header that carries how many calls came before in a chain; only ever shortens what a caller may do. */
export const hopsHeader = 'x-moonhook-hops';

/** Header that carries how many events may still descend from a request; it can only lower the number. */
export const budgetHeader = 'x-moonhook-budget';

/** Chains of calls, events and own-host requests end here. */
export const maxHops = 8;

export function screenRequest(call: HttpCall, parts: WorkerParts): void {
  const { inbound } = parts.settings;
  const { request } = call;
  call.ip = parts.clientAddress(request.socket.remoteAddress, request.headers['x-forwarded-for'] as string | undefined);
  if (parts.openRequests > inbound.openRequests) {
    return refuse(call, parts, 'Overloaded', { outcome: 'overloaded', retryAfterMs: 1000 });
  }
  if (request.rawHeaders.length > inbound.headerCount * 2) {
    return refuse(call, parts, 'HeadersTooLarge', {
      outcome: 'limited',
      publicDetail: `more than ${inbound.headerCount} header lines`,
    });
  }
  const mistake = mistakeOf(call, request.rawHeaders);
  if (mistake !== undefined)
    return refuse(call, parts, 'RequestInvalid', { outcome: 'limited', publicDetail: mistake });
  const { [hopsHeader]: hops, [budgetHeader]: budget } = request.headers;
  if (hops !== undefined) countHops(call, parts, String(hops));
  if (budget !== undefined && !call.answered) takeBudget(call, parts, String(budget));
  return undefined;
}

/** What a proxy before us may read otherwise than we do, and a method that only shows a browser's secrets to its page. */
function mistakeOf({ method }: HttpCall, rawHeaders: readonly string[]): string | undefined {
  if (method === 'TRACE') return 'the method TRACE is not served';
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    hosts += 1;
    if (hosts > 1) return 'more than one Host header';
    if (!hostForm.test(rawHeaders[index + 1] ?? '')) return 'the Host header is not a host';
  }
  return undefined;
}

/** RFC 9110 §7.2, as far as it matters: a name or an address, and a port. */
const hostForm = /^(?:[\w.~-]*|\[[\da-f:.]+\])(?::\d*)?$/i;

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
