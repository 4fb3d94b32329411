/** The path of a request on the call listener, top to bottom: active calls and published events, by proven callers. */
import type { HttpCall } from './http-call.ts';
import { acceptActiveCall } from './accept-active-call.ts';
import { authorizeCall, bearerOf, readOwnCaller } from './authorize-call.ts';
import { checkCallReady, matchCall, readCallTarget } from './match-call.ts';
import { limitCalls } from './limit-calls.ts';
import { decodeData } from './decode-data.ts';
import { readRequestBody } from './read-request-body.ts';
import { refuse } from './refuse.ts';
import type { CallerReviews, ReviewVerdict } from './review-caller.ts';
import { runActiveCall } from './run-active-call.ts';
import { screenRequest } from './screen-request.ts';
import type { Step } from './take-steps.ts';
import type { WorkerParts } from './worker-parts.ts';

export const callSteps: readonly Step[] = [
  screenRequest, // header count, open requests, chain of calls
  proveCaller, // token, Host, origin: 401, 403
  matchCall, // /function/{namespace}/{name}, /async-function/…, /events/{namespace}: 404
  checkCallReady, // unresolved, suspended, quarantined: 503
  readRequestBody, // 413
  decodeData, // declared JSON that does not parse: 400
  acceptActiveCall, // asynchronous calls and published events: stored, then 202
  limitCalls, // concurrency of the function: 429
  runActiveCall, // Lua; its result is the answer
];

function proveCaller(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  if (parts.callerReviews !== undefined) return proveByReview(call, parts, parts.callerReviews);
  const verdict = authorizeCall(call.request.headers, parts.settings.callToken, parts.callsPort);
  if (verdict.ok) {
    call.trusted = true;
    return undefined;
  }
  call.note('caller', false, verdict.reason);
  return refuse(call, parts, verdict.code, {
    outcome: 'unverified',
    detail: verdict.reason,
    ...(verdict.publicDetail === undefined ? {} : { publicDetail: verdict.publicDetail }),
    ...(verdict.code === 'Unauthorized' ? { headers: [['www-authenticate', 'Bearer']] as const } : {}),
  });
}

/** In a cluster: by a token that the controller has reviewed for this very function or bus. */
function proveByReview(call: HttpCall, parts: WorkerParts, reviews: CallerReviews): void | Promise<void> {
  const at = call.target.indexOf('?');
  const target = readCallTarget(at === -1 ? call.target : call.target.slice(0, at));
  if (target === undefined) return refuse(call, parts, 'RouteNotFound', { outcome: 'unmatched' });
  const token = bearerOf(call.request.headers.authorization);
  if (token === undefined) return refuseCaller(call, parts, 'no bearer token was sent');
  // Passed on by this process itself: the API server has proved the caller, and the controller his rights.
  const own = readOwnCaller(call.request.headers, parts.settings.callToken, parts.callsPort);
  if (own !== undefined) return takeVerdict(call, parts, { kind: 'allowed', user: own });
  const { namespace } = target;
  const verdict = reviews.review(
    target.kind === 'events'
      ? { token, verb: 'publish', namespace }
      : { token, verb: 'call', namespace, name: target.name },
  );
  return verdict instanceof Promise
    ? verdict.then((each) => takeVerdict(call, parts, each))
    : takeVerdict(call, parts, verdict);
}

function takeVerdict(call: HttpCall, parts: WorkerParts, verdict: ReviewVerdict): void {
  if (verdict.kind === 'allowed') {
    call.trusted = true;
    call.principal = verdict.user;
    return undefined;
  }
  call.note('caller', false, verdict.reason);
  if (verdict.kind === 'unauthorized') return refuseCaller(call, parts, verdict.reason);
  // What is wrong with a token or a right helps its owner, and tells strangers nothing about functions.
  if (verdict.kind === 'forbidden')
    return refuse(call, parts, 'Forbidden', { outcome: 'unverified', publicDetail: verdict.reason });
  return refuse(call, parts, 'ReviewUnavailable', {
    outcome: 'overloaded',
    detail: verdict.reason,
    retryAfterMs: 2_000,
  });
}

function refuseCaller(call: HttpCall, parts: WorkerParts, reason: string): void {
  return refuse(call, parts, 'Unauthorized', {
    outcome: 'unverified',
    publicDetail: reason,
    headers: [['www-authenticate', 'Bearer']],
  });
}
