/** The record of an HTTP call, credentials masked. */
import type { CallRecord, CapturedRequest } from './call-record.ts';
import type { Ending, HttpCall } from './http-call.ts';
import { maskTarget, sensitiveHeaders } from './mask-credentials.ts';

const capturedBodyBytes = 64 * 1024;

/** `now`: monotonic. */
export function recordOf(call: HttpCall, status: number, ending: Ending, now: number): CallRecord {
  const { fn, trigger, usage, error } = call;
  const refused = ending.outcome === 'unverified';
  const correlation = call.header('x-call-id');
  const traceparent = call.header('traceparent');
  return {
    callId: call.id,
    time: call.time,
    kind: call.listener === 'public' ? 'http' : 'call',
    outcome: ending.outcome,
    status,
    durationMs: now - call.startedAt,
    worker: call.worker,
    request: {
      method: call.method,
      target: maskTarget(call),
      ip: call.ip,
      bodyBytes: call.body.length,
      ...(call.request.headers.host === undefined ? {} : { host: call.request.headers.host }),
      ...(call.route === '' ? {} : { route: call.route }),
    },
    ...(fn === undefined ? {} : functionFields(call)),
    ...(trigger === undefined ? {} : { trigger: trigger.entry.name }),
    ...(trigger?.http === undefined ? {} : { receiver: trigger.http.receiver.name }),
    ...(call.handler === undefined ? {} : { handler: call.handler }),
    ...(ending.code === undefined ? {} : { code: ending.code }),
    ...(ending.detail === undefined ? {} : { detail: ending.detail }),
    ...(usage === undefined ? {} : { cpuMs: usage.cpuMs, memoryPeakBytes: usage.memoryPeakBytes }),
    ...(usage === undefined || usage.log.length === 0 ? {} : { log: usage.log, logTruncated: usage.logTruncated }),
    ...(usage === undefined || usage.hostCalls.length === 0 ? {} : { hostCalls: usage.hostCalls }),
    ...(error === undefined ? {} : { error }),
    ...(call.steps === undefined ? {} : { steps: call.steps }),
    ...(call.eventId === undefined ? {} : { eventId: call.eventId }),
    ...(call.identified === undefined ? {} : identityFields(call)),
    ...(call.duplicateOf === undefined ? {} : { duplicateOf: call.duplicateOf }),
    ...(refused ? { captured: capture(call) } : {}),
    ...(correlation === undefined ? {} : { correlation: correlation.slice(0, 200) }),
    ...(traceparent === undefined ? {} : { traceparent: traceparent.slice(0, 200) }),
  };
}

function functionFields(call: HttpCall): Partial<CallRecord> {
  const { entry, program } = call.fn as NonNullable<HttpCall['fn']>;
  return {
    namespaceUid: entry.namespaceUid,
    namespace: entry.namespace,
    functionUid: entry.uid,
    functionName: entry.name,
    revision: program?.revision ?? entry.revision,
  };
}

function identityFields(call: HttpCall): Partial<CallRecord> {
  const { name, deliveryId } = call.identified as NonNullable<HttpCall['identified']>;
  return { eventName: name, ...(deliveryId === undefined ? {} : { deliveryId }) };
}

/** A refused request in full: what its owner needs to see why. */
function capture(call: HttpCall): CapturedRequest {
  const headers: [string, string][] = [];
  const hidden = call.trigger?.receiver?.credentialHeaders;
  const raw = call.request.rawHeaders;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const masked = hidden?.has(name) === true || sensitiveHeaders.has(name);
    headers.push([name, masked ? '***' : (raw[index + 1] as string)]);
  }
  return {
    headers,
    bodyBase64: Buffer.from(call.body.subarray(0, capturedBodyBytes)).toString('base64'),
    bodyCut: call.body.length > capturedBodyBytes,
  };
}
