/** The record of an HTTP call, credentials masked. */
import type { CallRecord, CapturedRequest } from './call-record.ts';
import type { Ending, HttpCall } from './http-call.ts';
import { hideInHostCalls } from './hide-in-result.ts';
import { placeRunError } from './place-error.ts';
import { lightError, lightText, logGivenUp } from './record-room.ts';
import { isCredentialName, mask, maskTarget, sensitiveHeaders } from './mask-credentials.ts';

const capturedBodyBytes = 64 * 1024;

/** What one call after the other says: the text that came last, where it comes again. */
export class CommonTexts {
  #host = '';
  #ip = '';

  host(text: string): string {
    return this.#host === text ? this.#host : (this.#host = text);
  }

  ip(text: string): string {
    return this.#ip === text ? this.#ip : (this.#ip = text);
  }
}

/**
 * What a record needs of a call that has ended, without request and response themselves. The record is made of it when it
 * is sent: most calls of a busy function are overtaken by newer ones before that.
 */
export class CallTrace {
  outcome!: CallRecord['outcome'];
  functionUid: string | undefined;
  log: CallRecord['log'];
  // Numbers begin as numbers: a member that began as undefined gets a new object for each fraction it is given.
  #status = 0;
  #ending!: Ending;
  #durationMs = 0;
  /** Empty where `#number` says it. */
  #id!: string;
  #ids: HttpCall['numbered'];
  #number = 0;
  #time = 0;
  #kind!: 'http' | 'call';
  #worker = 0;
  #method!: string;
  #target!: string;
  #ip!: string;
  #host: string | undefined;
  #route!: string;
  #bodyBytes = 0;
  /** One field for both: of each function a record is kept, and a request touches all of it. */
  #of: HttpCall['fn'] | HttpCall['bus'];
  #trigger: HttpCall['trigger'];
  #namedTrigger: string | undefined;
  #handler: string | undefined;
  #ran!: boolean;
  #cpuMs = 0;
  #memoryPeakBytes = 0;
  #hostCalls: CallRecord['hostCalls'];
  #logTruncated!: boolean;
  #error: HttpCall['error'];
  #steps: HttpCall['steps'];
  #eventId: string | undefined;
  #identified: HttpCall['identified'];
  #duplicateOf: string | undefined;
  #correlation: string | undefined;
  #traceparent: string | undefined;
  #captured: CapturedRequest | undefined;

  /** `now`: monotonic. */
  constructor(call: HttpCall, status: number, ending: Ending, now: number, texts: CommonTexts) {
    this.take(call, status, ending, now, texts);
  }

  /**
   * Is of this call from now on. What is said again (the path of the route, the same host, the same step) is the object that
   * is there: traces are overtaken thousands of times a second, and each new object that is kept is copied and collected.
   */
  take(call: HttpCall, status: number, ending: Ending, now: number, texts: CommonTexts): void {
    const { fn, usage, head } = call;
    const target = maskTarget(call);
    this.outcome = ending.outcome;
    this.functionUid = fn?.uid;
    this.log = usage === undefined || usage.log.length === 0 ? undefined : usage.log;
    this.#status = status;
    this.#ending = ending;
    this.#durationMs = now - call.startedAt;
    this.#ids = call.numbered;
    this.#number = call.number;
    this.#id = call.numbered === undefined ? call.id : '';
    this.#time = call.time;
    this.#kind = call.listener === 'public' ? 'http' : 'call';
    this.#worker = call.worker;
    this.#method = call.method;
    this.#target = target === call.path ? call.path : target;
    this.#ip = texts.ip(call.ip);
    this.#host = head.host === undefined ? undefined : texts.host(head.host);
    this.#route = call.route;
    this.#bodyBytes = call.body.length;
    this.#of = fn ?? call.bus;
    this.#trigger = call.trigger;
    this.#namedTrigger = call.namedTrigger?.entry.name;
    this.#handler = call.handler;
    this.#ran = usage !== undefined;
    this.#cpuMs = usage?.cpuMs ?? 0;
    this.#memoryPeakBytes = usage?.memoryPeakBytes ?? 0;
    this.#hostCalls = usage === undefined || usage.hostCalls.length === 0 ? undefined : usage.hostCalls;
    this.#logTruncated = usage?.logTruncated === true;
    this.#error = call.error;
    if (!sameSteps(this.#steps, call.steps)) this.#steps = call.steps;
    this.#eventId = call.eventId;
    if (!sameIdentity(this.#identified, call.identified)) this.#identified = call.identified;
    this.#duplicateOf = call.duplicateOf;
    this.#correlation = head.callId;
    this.#traceparent = head.traceparent;
    this.#captured = ending.outcome === 'unverified' ? capture(call) : undefined;
  }

  get captured(): CapturedRequest | undefined {
    return this.#captured;
  }

  get hostCalls(): CallRecord['hostCalls'] {
    return this.#hostCalls;
  }

  get error(): HttpCall['error'] {
    return this.#error;
  }

  get namespaceUid(): string | undefined {
    return this.#of === undefined ? undefined : 'entry' in this.#of ? this.#of.entry.namespaceUid : this.#of.uid;
  }

  /** Goes on without what is heavy. */
  lighten(): void {
    this.#captured = undefined;
    this.#hostCalls = undefined;
    if (this.#error !== undefined) this.#error = lightError(this.#error);
    const { detail } = this.#ending;
    if (detail !== undefined) this.#ending = { ...this.#ending, detail: lightText(detail) };
    if (this.log === undefined) return;
    this.log = logGivenUp;
    this.#logTruncated = true;
  }

  /** Thousands are made at once: without an object for each field that may be missing. */
  toRecord(): CallRecord {
    const { code, detail } = this.#ending;
    const request: Draft<NonNullable<CallRecord['request']>> = {
      method: this.#method,
      target: this.#target,
      ip: this.#ip,
      bodyBytes: this.#bodyBytes,
    };
    if (this.#host !== undefined) request.host = this.#host;
    if (this.#route !== '') request.route = this.#route;
    const record: Draft<CallRecord> = {
      callId: this.#ids === undefined ? this.#id : this.#ids.text(this.#number),
      time: this.#time,
      kind: this.#kind,
      outcome: this.outcome,
      status: this.#status,
      durationMs: this.#durationMs,
      worker: this.#worker,
      request,
    };
    const error = this.#error;
    const of = this.#of;
    let fn: HttpCall['fn'];
    if (of !== undefined && 'entry' in of) {
      fn = of;
      addFunction(record, fn);
    } else if (of !== undefined) addBus(record, of);
    if (this.#trigger !== undefined) addTrigger(record, this.#trigger);
    if (this.#identified !== undefined) addIdentity(record, this.#identified);
    if (this.#ran) {
      record.cpuMs = this.#cpuMs;
      record.memoryPeakBytes = this.#memoryPeakBytes;
    }
    if (this.log !== undefined) {
      record.log = this.log;
      record.logTruncated = this.#logTruncated;
    }
    if (this.#hostCalls !== undefined)
      record.hostCalls = fn === undefined ? this.#hostCalls : hideInHostCalls(this.#hostCalls, fn);
    if (this.#handler !== undefined) record.handler = this.#handler;
    if (this.#namedTrigger !== undefined) record.trigger = this.#namedTrigger;
    if (code !== undefined) record.code = code;
    if (detail !== undefined) record.detail = detail;
    if (error !== undefined) record.error = fn === undefined ? error : placeRunError(error, fn);
    if (this.#steps !== undefined) record.steps = this.#steps;
    if (this.#eventId !== undefined) record.eventId = this.#eventId;
    if (this.#duplicateOf !== undefined) record.duplicateOf = this.#duplicateOf;
    if (this.#captured !== undefined) record.captured = this.#captured;
    if (this.#correlation !== undefined) record.correlation = this.#correlation.slice(0, 200);
    if (this.#traceparent !== undefined) record.traceparent = this.#traceparent.slice(0, 200);
    return record;
  }
}

type Draft<Made> = { -readonly [Key in keyof Made]: Made[Key] };

function sameSteps(before: HttpCall['steps'], now: HttpCall['steps']): boolean {
  if (before === now || before === undefined || now === undefined || now.length !== 1 || before.length !== 1)
    return before === now;
  const [[old], [step]] = [before, now];
  return old?.step === step?.step && old?.ok === step?.ok && old?.detail === step?.detail;
}

/** Of what a record says about it. */
function sameIdentity(before: HttpCall['identified'], now: HttpCall['identified']): boolean {
  return before !== undefined && before.name === now?.name && before.deliveryId === now.deliveryId;
}

function addFunction(record: Draft<CallRecord>, { entry, program }: NonNullable<HttpCall['fn']>): void {
  record.namespaceUid = entry.namespaceUid;
  record.namespace = entry.namespace;
  record.functionUid = entry.uid;
  record.functionName = entry.name;
  record.revision = program?.revision ?? entry.revision;
}

function addBus(record: Draft<CallRecord>, { namespace, uid }: NonNullable<HttpCall['bus']>): void {
  if (uid === undefined) return;
  record.namespaceUid = uid;
  record.namespace = namespace;
}

function addTrigger(record: Draft<CallRecord>, { entry, http }: NonNullable<HttpCall['trigger']>): void {
  record.trigger = entry.name;
  if (http !== undefined) record.receiver = http.receiver.name;
}

function addIdentity(record: Draft<CallRecord>, { name, deliveryId }: NonNullable<HttpCall['identified']>): void {
  record.eventName = name;
  if (deliveryId !== undefined) record.deliveryId = deliveryId;
}

/** A refused request in full: what its owner needs to see why. */
function capture(call: HttpCall): CapturedRequest {
  const headers: [string, string][] = [];
  const hidden = call.trigger?.receiver?.credentialHeaders;
  const raw = call.request.rawHeaders;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const masked = hidden?.has(name) === true || sensitiveHeaders.has(name) || isCredentialName(name);
    headers.push([name, masked ? mask : (raw[index + 1] as string)]);
  }
  return {
    headers,
    bodyBase64: Buffer.from(call.body.subarray(0, capturedBodyBytes)).toString('base64'),
    bodyCut: call.body.length > capturedBodyBytes,
  };
}
