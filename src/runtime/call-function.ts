/** `call(name, …)`: another function of the own namespace, now, on this thread, in a machine of its own. */
import { toHttpResponse } from '../function/result.ts';
import { encodeResult } from './encode-result.ts';
import type { CalledResult, FunctionCaller } from '../host/types.ts';
import type { CallResult, LuaValue } from '../lua/types.ts';
import { activeCallHandlers, findHandler } from '../routing/find-handler.ts';
import { EventTable, type EventSource, type RequestSource } from './event-table.ts';
import { contextOf, type ContextOwner } from './host-context.ts';
import { hideInHostCalls } from './hide-in-result.ts';
import type { LiveFunction } from './live-function.ts';
import { placeRunError } from './place-error.ts';
import { runProgram } from './run-program.ts';
import { maxHops } from './screen-request.ts';
import type { WorkerParts } from './worker-parts.ts';

const fail = (message: string, status: number): CalledResult => ({ ok: false, message, status });

/** `parts` is asked at each call: it does not exist yet when contexts are made. */
export function createCaller(entry: ContextOwner, parts: () => WorkerParts): FunctionCaller {
  return {
    async call(name, handler, data, remainingMs, hops, budget) {
      const worker = parts();
      const fn = worker.table.named(entry.namespace, name);
      if (hops + 1 >= maxHops) return fail(`more than ${maxHops} calls in a chain`, 508);
      if (fn === undefined) return fail(`there is no function "${name}" in this namespace`, 404);
      if (fn.entry.suspended) return fail(`function "${name}" is suspended`, 503);
      const { unresolved, limits } = fn.entry;
      if (unresolved !== undefined || fn.program === undefined) return fail(`function "${name}" is not ready`, 503);
      if (worker.inflight.total(fn.index) >= limits.concurrency) return fail(`too many calls of "${name}" run`, 429);
      const wanted = handler === undefined ? activeCallHandlers : [handler];
      const found = findHandler(wanted, fn.program.handlers);
      if (found === undefined) {
        return fail(`function "${name}" has no handler ${wanted.map((each) => `"${each}"`).join(' or ')}`, 404);
      }
      const chain = { hops: hops + 1, budget };
      return run(fn, found, entry, data, Math.min(remainingMs, limits.timeoutMs), chain, worker);
    },
  };
}

async function run(
  fn: LiveFunction,
  handler: string,
  from: ContextOwner,
  data: LuaValue,
  timeoutMs: number,
  { hops, budget }: { readonly hops: number; readonly budget: number },
  parts: WorkerParts,
): Promise<CalledResult> {
  const callId = parts.newCallId();
  const time = parts.clock.wall();
  const began = parts.clock.monotonic();
  parts.inflight.enter(fn.index);
  let result: CallResult;
  try {
    result = await runProgram(fn, parts, {
      callId,
      target: { handler },
      arguments: [new EventTable(new CalledEvent(callId, time, from, data))],
      limits: { timeoutMs },
      context: contextOf(fn, hops, undefined, budget),
    });
  } finally {
    parts.inflight.leave(fn.index);
  }
  const { usage } = result;
  const durationMs = parts.clock.monotonic() - began;
  const outcome = result.kind === 'ok' || result.kind === 'exit' ? 'ok' : result.kind;
  parts.counters.countRun(fn.callRow, outcome, durationMs, usage.cpuMs, usage.memoryPeakBytes);
  const { namespaceUid, namespace, uid, name } = fn.entry;
  parts.records.add({
    callId,
    time,
    kind: 'call',
    namespaceUid,
    namespace,
    functionUid: uid,
    functionName: name,
    revision: fn.program?.revision ?? fn.entry.revision,
    handler,
    outcome,
    durationMs,
    worker: parts.index,
    eventId: callId,
    eventName: 'call',
    detail: `called by ${from.name}`,
    cpuMs: usage.cpuMs,
    memoryPeakBytes: usage.memoryPeakBytes,
    ...(usage.log.length === 0 ? {} : { log: usage.log, logTruncated: usage.logTruncated }),
    ...(usage.hostCalls.length === 0 ? {} : { hostCalls: hideInHostCalls(usage.hostCalls, fn) }),
    ...(result.kind === 'ok' || result.kind === 'exit' ? {} : { error: placeRunError(result.error, fn) }),
  });
  return toCalled(fn, result);
}

/** The caller sees what any caller sees: a status, never the other function's message. */
function toCalled(fn: LiveFunction, result: CallResult): CalledResult {
  if (result.kind === 'timeout') return fail(`function "${fn.entry.name}" ran out of time`, 504);
  if (result.kind !== 'ok' && result.kind !== 'exit') return fail(`function "${fn.entry.name}" failed`, 500);
  const response = toHttpResponse(result.values, fn.entry.limits.responseBodyBytes, {
    ownsHost: false,
    encodeJson: encodeResult,
  });
  if (!response.ok) return fail(`function "${fn.entry.name}" returned an invalid response`, 500);
  const { status, headers, body } = response.response;
  return {
    ok: true,
    status,
    headers: Object.fromEntries(headers ?? []),
    body: typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array(0)),
  };
}

const nothing: readonly string[] = [];

/** Handlers answer requests and calls alike: a call has a request without headers and query. */
const noRequest: RequestSource = {
  method: 'POST',
  path: '/',
  route: '/*',
  params: new Map(),
  host: '',
  ip: '',
  headerFirst: () => undefined,
  headerNames: () => nothing,
  headerValues: () => undefined,
  queryNames: () => nothing,
  queryValues: () => undefined,
};

/** The event of a called function. */
class CalledEvent implements EventSource {
  readonly eventId: string;
  readonly eventName = 'call';
  readonly eventType = 'dev.moonhook.call';
  readonly eventSource: string;
  readonly eventSubject = undefined;
  readonly time: number;
  readonly triggerName = undefined;
  readonly attempt = 1;
  readonly eventBody = undefined;
  readonly eventRequest = noRequest;
  readonly eventSender: EventSource['eventSender'];
  readonly #data: LuaValue;

  constructor(callId: string, time: number, from: ContextOwner, data: LuaValue) {
    this.eventId = callId;
    this.time = time;
    this.eventSource = `/namespaces/${from.namespace}/functions/${from.name}`;
    this.eventSender = { name: 'caller', verified: 'secret', subject: from.name };
    this.#data = data;
  }

  readEventData(): LuaValue {
    return this.#data;
  }
}
