/** The record of an HTTP call, credentials masked. */
import type { CallRecord, CapturedRequest } from './call-record.ts';
import type { Ending, HttpCall } from './http-call.ts';
import { placeRunError } from './place-error.ts';
import { maskTarget, sensitiveHeaders } from './mask-credentials.ts';

const capturedBodyBytes = 64 * 1024;

/**
 * What a record needs of a call that has ended, without request and response themselves. The record is made of it when it
 * is sent: most calls of a busy function are overtaken by newer ones before that.
 */
export class CallTrace {
  readonly outcome: CallRecord['outcome'];
  readonly functionUid: string | undefined;
  readonly log: CallRecord['log'];
  readonly #status: number;
  readonly #ending: Ending;
  readonly #durationMs: number;
  readonly #id: string;
  readonly #time: number;
  readonly #kind: 'http' | 'call';
  readonly #worker: number;
  readonly #method: string;
  readonly #target: string;
  readonly #ip: string;
  readonly #host: string | undefined;
  readonly #route: string;
  readonly #bodyBytes: number;
  readonly #fn: HttpCall['fn'];
  readonly #trigger: HttpCall['trigger'];
  readonly #namedTrigger: string | undefined;
  readonly #handler: string | undefined;
  readonly #usage: HttpCall['usage'];
  readonly #error: HttpCall['error'];
  readonly #steps: HttpCall['steps'];
  readonly #eventId: string | undefined;
  readonly #identified: HttpCall['identified'];
  readonly #duplicateOf: string | undefined;
  readonly #correlation: string | undefined;
  readonly #traceparent: string | undefined;
  readonly #captured: CapturedRequest | undefined;

  /** `now`: monotonic. */
  constructor(call: HttpCall, status: number, ending: Ending, now: number) {
    const { fn, usage, request } = call;
    this.outcome = ending.outcome;
    this.functionUid = fn?.entry.uid;
    this.log = usage === undefined || usage.log.length === 0 ? undefined : usage.log;
    this.#status = status;
    this.#ending = ending;
    this.#durationMs = now - call.startedAt;
    this.#id = call.id;
    this.#time = call.time;
    this.#kind = call.listener === 'public' ? 'http' : 'call';
    this.#worker = call.worker;
    this.#method = call.method;
    this.#target = maskTarget(call);
    this.#ip = call.ip;
    this.#host = request.headers.host;
    this.#route = call.route;
    this.#bodyBytes = call.body.length;
    this.#fn = fn;
    this.#trigger = call.trigger;
    this.#namedTrigger = call.namedTrigger?.entry.name;
    this.#handler = call.handler;
    this.#usage = usage;
    this.#error = call.error;
    this.#steps = call.steps;
    this.#eventId = call.eventId;
    this.#identified = call.identified;
    this.#duplicateOf = call.duplicateOf;
    this.#correlation = call.header('x-call-id');
    this.#traceparent = call.header('traceparent');
    this.#captured = ending.outcome === 'unverified' ? capture(call) : undefined;
  }

  toRecord(): CallRecord {
    const { code, detail } = this.#ending;
    const error = this.#error;
    const fn = this.#fn;
    const usage = this.#usage;
    return {
      callId: this.#id,
      time: this.#time,
      kind: this.#kind,
      outcome: this.outcome,
      status: this.#status,
      durationMs: this.#durationMs,
      worker: this.#worker,
      request: {
        method: this.#method,
        target: this.#target,
        ip: this.#ip,
        bodyBytes: this.#bodyBytes,
        ...(this.#host === undefined ? {} : { host: this.#host }),
        ...(this.#route === '' ? {} : { route: this.#route }),
      },
      ...functionFields(this.#fn),
      ...triggerFields(this.#trigger),
      ...identityFields(this.#identified),
      ...(usage === undefined ? {} : { cpuMs: usage.cpuMs, memoryPeakBytes: usage.memoryPeakBytes }),
      ...(this.log === undefined ? {} : { log: this.log, logTruncated: usage?.logTruncated === true }),
      ...(usage === undefined || usage.hostCalls.length === 0 ? {} : { hostCalls: usage.hostCalls }),
      ...known({
        handler: this.#handler,
        ...(this.#namedTrigger === undefined ? {} : { trigger: this.#namedTrigger }),
        code,
        detail,
        error: error === undefined || fn === undefined ? error : placeRunError(error, fn),
        steps: this.#steps,
        eventId: this.#eventId,
        duplicateOf: this.#duplicateOf,
        captured: this.#captured,
        correlation: this.#correlation?.slice(0, 200),
        traceparent: this.#traceparent?.slice(0, 200),
      }),
    };
  }
}

type Known<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the fields that are not known. */
function known<T extends object>(fields: T): Known<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Known<T>;
}

function functionFields(fn: HttpCall['fn']): Partial<CallRecord> {
  if (fn === undefined) return {};
  const { entry, program } = fn;
  return {
    namespaceUid: entry.namespaceUid,
    namespace: entry.namespace,
    functionUid: entry.uid,
    functionName: entry.name,
    revision: program?.revision ?? entry.revision,
  };
}

function triggerFields(trigger: HttpCall['trigger']): Partial<CallRecord> {
  if (trigger === undefined) return {};
  const { entry, http } = trigger;
  return { trigger: entry.name, ...(http === undefined ? {} : { receiver: http.receiver.name }) };
}

function identityFields(identified: HttpCall['identified']): Partial<CallRecord> {
  if (identified === undefined) return {};
  const { name, deliveryId } = identified;
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
