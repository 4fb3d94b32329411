/** The path of a request on the call listener, top to bottom: active calls and published events, by proven callers. */
import type { HttpCall } from './http-call.ts';
import { acceptActiveCall } from './accept-active-call.ts';
import { authorizeCall } from './authorize-call.ts';
import { checkCallReady, matchCall } from './match-call.ts';
import { limitCalls } from './limit-calls.ts';
import { decodeData } from './decode-data.ts';
import { readRequestBody } from './read-request-body.ts';
import { refuse } from './refuse.ts';
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

function proveCaller(call: HttpCall, parts: WorkerParts): void {
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
