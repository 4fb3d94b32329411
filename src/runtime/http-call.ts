/** One HTTP request on its way through the spine: what arrived, what was found out, and how it was answered. */
import type { ServerResponse } from 'node:http';
import type { FailureCode } from '../failures/catalogue.ts';
import type { CallError, CallUsage } from '../lua/types.ts';
import type { Identified, RawRequest, Step, VerifiedSender } from '../receivers/types.ts';
import type { DuplicateKey } from '../store/store.ts';
import type { Outcome } from '../telemetry/call-outcomes.ts';
import { rootBudget } from '../triggers/event-budget.ts';
import type { CallIds } from './call-ids.ts';
import type { LeanRequest } from './lean-request.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { HeaderLines } from './header-lines.ts';
import { firstOf, type RequestHead } from './request-head.ts';

/** The answer, as it leaves: a body of bytes or text. */
export interface Answer {
  readonly status: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Uint8Array;
}

/** How the call ended, for its record. */
export interface Ending {
  readonly outcome: Outcome;
  readonly code?: FailureCode;
  readonly detail?: string;
}

const noParams: ReadonlyMap<string, string> = new Map();
const noQuery: ReadonlyMap<string, readonly string[]> = new Map();
const noBody = new Uint8Array(0);

/** The raw request with everything expensive made when it is first read. */
export class HttpCall implements RawRequest {
  readonly id: string;
  /** What makes the text of `id` again from its number. */
  numbered: CallIds | undefined = undefined;
  number = 0;
  readonly request: LeanRequest;
  readonly response: ServerResponse;
  readonly listener: 'public' | 'calls';
  readonly worker: number;
  /** Monotonic milliseconds, and the wall clock at the same moment. */
  readonly startedAt: number;
  readonly time: number;
  readonly method: string;
  readonly target: string;
  /** Canonical path; set by the match. */
  path = '';
  route = '';
  params: ReadonlyMap<string, string> = noParams;
  /** Public URL of the route without path, for senders that sign URLs. */
  publicBase = '';
  ownsHost = false;
  ip = '';
  body: Uint8Array = noBody;
  fn: LiveFunction | undefined = undefined;
  trigger: LiveTrigger | undefined = undefined;
  /** Call listener: the trigger whose handler is tried; none of its rules hold. */
  namedTrigger: LiveTrigger | undefined = undefined;
  sender: VerifiedSender | undefined = undefined;
  identified: Identified | undefined = undefined;
  /** Decoded body of a declared JSON type; `decoded` says whether it was tried. */
  data: unknown = undefined;
  decoded = false;
  steps: readonly Step[] | undefined = undefined;
  hops = 0;
  /** How many events may descend from it. */
  budget: number = rootBudget;
  /** Gives back what this call holds: places of a limit, bytes being read. */
  releases: (() => void)[] | undefined = undefined;
  /** A preflight of a trigger with CORS rules. */
  preflight: 'allowed' | 'refused' | undefined = undefined;
  /** Call listener: answered with 202 before Lua runs. */
  asynchronous = false;
  /** Call listener: the namespace whose bus the event is for; `uid`: there is one of that name, and the caller may publish. */
  bus: { readonly namespace: string; readonly uid?: string } | undefined = undefined;
  /** Call listener of a cluster: the proven caller, as the API server names it. */
  principal: string | undefined = undefined;
  /** The caller may see message, line and log. */
  trusted = false;
  usage: CallUsage | undefined = undefined;
  error: CallError | undefined = undefined;
  eventId: string | undefined = undefined;
  /** Where the result goes, and whose it is. */
  callback: { readonly url: string; readonly destination: string } | undefined = undefined;
  duplicateOf: string | undefined = undefined;
  /** `ackAfter`: what a repeat of this delivery is recognised by once it is stored. */
  duplicateKey: DuplicateKey | undefined = undefined;
  handler: string | undefined = undefined;
  /** Decoding took so long: CPU time of the call, spent before Lua. */
  decodeMs = 0;
  /** Lua ran for so long; undefined: it did not run. */
  ranMs: number | undefined = undefined;
  /** Monotonic; when Lua had ended. */
  endedAt: number | undefined = undefined;
  answered = false;
  /** True: the record is written by somebody else later (`ackAfter`). */
  continues = false;
  #headers: HeaderLines | undefined = undefined;
  #query: ReadonlyMap<string, readonly string[]> | undefined = undefined;

  constructor(
    id: string,
    request: LeanRequest,
    response: ServerResponse,
    listener: 'public' | 'calls',
    worker: number,
    startedAt: number,
    time: number,
  ) {
    this.id = id;
    this.request = request;
    this.response = response;
    this.listener = listener;
    this.worker = worker;
    this.startedAt = startedAt;
    this.time = time;
    this.method = request.method ?? 'GET';
    this.target = request.url ?? '/';
  }

  get head(): RequestHead {
    return this.request.head;
  }

  get publicUrl(): string {
    return this.publicBase + this.target;
  }

  get queryText(): string {
    const at = this.target.indexOf('?');
    return at === -1 ? '' : this.target.slice(at + 1);
  }

  /** First value of a header, name in lower case; for names Node joins, the joined value. */
  header(name: string): string | undefined {
    // For a name that is not there Node's table of all lines is not made.
    if (firstOf(this.request.rawHeaders, name) === undefined) return undefined;
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : value?.[0];
  }

  /** The first value as it arrived, name in lower case. */
  firstHeader(name: string): string | undefined {
    return this.#headers === undefined ? firstOf(this.request.rawHeaders, name) : this.#headers.first(name);
  }

  get headers(): ReadonlyMap<string, readonly string[]> {
    return (this.#headers ??= new HeaderLines(this.request.rawHeaders));
  }

  get query(): ReadonlyMap<string, readonly string[]> {
    return (this.#query ??= gatherQuery(this.queryText));
  }

  /** Notes a step for `explain`. */
  note(step: string, ok: boolean, detail: string): void {
    const noted = { step, ok, detail };
    // Most calls note one or none: an array that was pushed to has room for sixteen more, for as long as its record is kept.
    this.steps = this.steps === undefined ? [noted] : [...this.steps, noted];
  }

  onEnd(release: () => void): void {
    (this.releases ??= []).push(release);
  }
}

/** `application/x-www-form-urlencoded` names and values of a query, in order. */
function gatherQuery(text: string): ReadonlyMap<string, readonly string[]> {
  if (text === '') return noQuery;
  const query = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return query;
}
