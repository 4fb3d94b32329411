/** Finds what a request on the call listener is for: a function now, a function later, or the event bus of a namespace. */
import { callbackHeader } from './choose-callback.ts';
import { refuseQuarantined } from './check-ready.ts';
import type { HttpCall } from './http-call.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

export type CallTarget =
  | {
      readonly kind: 'function';
      readonly namespace: string;
      readonly name: string;
      readonly asynchronous: boolean;
      readonly rest: string;
    }
  | { readonly kind: 'events'; readonly namespace: string };

/** What a caller is told who asks for something else. */
const paths =
  'calls go to /function/NAMESPACE/NAME or /async-function/NAMESPACE/NAME (or NAME.NAMESPACE), events to /events/NAMESPACE';
const longestKey = 512;

const namePattern = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

/** Reads `/function/NAMESPACE/NAME[/…]`, `/function/NAME.NAMESPACE`, the same below `/async-function`, `/events/NAMESPACE`. */
export function readCallTarget(path: string): CallTarget | undefined {
  const [first = '', second = '', third, ...rest] = path.slice(1).split('/');
  if (first === 'events') {
    return third === undefined && namePattern.test(second) ? { kind: 'events', namespace: second } : undefined;
  }
  if (first !== 'function' && first !== 'async-function') return undefined;
  const asynchronous = first === 'async-function';
  if (third !== undefined) {
    if (!namePattern.test(second) || !namePattern.test(third)) return undefined;
    return { kind: 'function', namespace: second, name: third, asynchronous, rest: `/${rest.join('/')}` };
  }
  const at = second.lastIndexOf('.');
  if (at <= 0) return undefined;
  const name = second.slice(0, at);
  const namespace = second.slice(at + 1);
  if (!namePattern.test(name) || !namePattern.test(namespace)) return undefined;
  return { kind: 'function', namespace, name, asynchronous, rest: '/' };
}

export function matchCall(call: HttpCall, parts: WorkerParts): void {
  const { target } = call;
  const at = target.indexOf('?');
  call.path = at === -1 ? target : target.slice(0, at);
  const found = readCallTarget(call.path);
  if (found === undefined) return refuse(call, parts, 'RouteNotFound', { outcome: 'unmatched', publicDetail: paths });
  if (found.kind === 'events') {
    call.bus = { namespace: found.namespace };
    call.route = '/events/:namespace';
    if (call.method === 'POST') return undefined;
    return refuse(call, parts, 'MethodNotAllowed', { outcome: 'unmatched', headers: [['allow', 'POST']] });
  }
  const fn = parts.table.named(found.namespace, found.name);
  if (fn === undefined) {
    const publicDetail = `there is no function ${found.namespace}/${found.name}`;
    return refuse(call, parts, 'FunctionNotFound', { outcome: 'unmatched', publicDetail });
  }
  call.fn = fn;
  call.asynchronous = found.asynchronous || prefersAsync(call.header('prefer'));
  call.path = found.rest;
  call.route = '/*';
  return checkHeaders(call, parts);
}

const howAsync = 'this call is synchronous: use /async-function or Prefer: respond-async';

function checkHeaders(call: HttpCall, parts: WorkerParts): void {
  const key = call.header('idempotency-key');
  if (!call.asynchronous && key !== undefined) {
    return refuse(call, parts, 'IdempotencyNeedsAsync', { outcome: 'limited', publicDetail: howAsync });
  }
  // An empty one would make all calls of whoever forgot to fill it in the same call.
  if (key !== undefined && (key.trim() === '' || key.length > longestKey)) {
    const publicDetail = `Idempotency-Key must have 1 to ${longestKey} characters, this one has ${key.trim().length}`;
    return refuse(call, parts, 'RequestInvalid', { outcome: 'unmatched', publicDetail });
  }
  if (!call.asynchronous && call.header(callbackHeader) !== undefined) {
    return refuse(call, parts, 'CallbackNeedsAsync', { outcome: 'limited', publicDetail: howAsync });
  }
  return undefined;
}

/** RFC 7240 §4.1. */
export function prefersAsync(prefer: string | undefined): boolean {
  return prefer !== undefined && prefer.split(',').some((each) => each.trim().toLowerCase() === 'respond-async');
}

export function checkCallReady(call: HttpCall, parts: WorkerParts): void {
  const { fn } = call;
  if (fn === undefined || call.asynchronous) return undefined;
  const unresolved =
    fn.entry.unresolved?.message ?? (fn.program === undefined ? 'no version of its code loaded yet' : undefined);
  if (unresolved !== undefined) {
    return refuse(call, parts, 'NotResolved', { outcome: 'unresolved', detail: unresolved, retryAfterMs: 10_000 });
  }
  if (fn.entry.suspended) return refuse(call, parts, 'Suspended', { outcome: 'suspended', retryAfterMs: 60_000 });
  return refuseQuarantined(call, parts);
}
