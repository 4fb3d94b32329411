/** The path of a request on the public listener, top to bottom. */
import { acceptEvent } from './accept-event.ts';
import { answerHandshake, answerVerifiedHandshake } from './answer-handshake.ts';
import { answerPreflight } from './answer-preflight.ts';
import { checkReady } from './check-ready.ts';
import { claimDelivery } from './claim-delivery.ts';
import { decodeData } from './decode-data.ts';
import { filterEvent } from './filter-event.ts';
import { identifyEvent } from './identify-event.ts';
import { limitCalls } from './limit-calls.ts';
import { matchRoute } from './match-route.ts';
import { publishEvent } from './publish-event.ts';
import { readRequestBody } from './read-request-body.ts';
import { runTrigger } from './run-trigger.ts';
import { screenRequest } from './screen-request.ts';
import type { Step } from './take-steps.ts';
import { verifySender } from './verify-sender.ts';

/**
 * Each step finds something out, or answers and so ends the request. Nothing is parsed before `verifySender`; Lua runs in
 * `runTrigger` (and filters before it) only.
 */
export const publicSteps: readonly Step[] = [
  screenRequest, // header count, open requests, chain of calls
  matchRoute, // canonical path → function and trigger: 400, 404, 405
  answerPreflight, // CORS: OPTIONS that no route asked for
  checkReady, // unresolved, suspended, quarantined: 503
  readRequestBody, // raw bytes within the limits: 413
  answerHandshake, // the sender checks the URL before it has a secret
  verifySender, // on the raw bytes: 401
  answerVerifiedHandshake, // a check of the URL that is signed itself
  identifyEvent, // name, type, delivery id; `events` of the trigger
  decodeData, // declared JSON that does not parse: 400
  acceptEvent, // asynchronous: stored, then 202
  limitCalls, // rate and concurrency, by key: 429
  publishEvent, // synchronous with `publish`: on the bus of the namespace
  filterEvent, // the trigger's filter: answered 2xx, not run
  claimDelivery, // ackAfter: a repeat while the handler runs is answered
  runTrigger, // Lua; its result is the answer
];
