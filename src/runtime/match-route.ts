/** Finds the trigger of a request by host, canonical path and method. */
import type { RouteTarget } from '../routing/match-request.ts';
import type { HttpCall } from './http-call.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

export function matchRoute(call: HttpCall, parts: WorkerParts): void {
  if (parts.table.version === 0) {
    return refuse(call, parts, 'NotResolved', {
      outcome: 'unresolved',
      publicDetail: 'the route table is not there yet',
      retryAfterMs: 1000,
    });
  }
  const match = parts.table.match({
    method: call.method,
    host: call.head.host,
    target: call.target,
    preflightMethod: call.method === 'OPTIONS' ? call.header('access-control-request-method') : undefined,
  });
  switch (match.kind) {
    case 'found':
      take(call, match.target, match.path);
      call.params = match.params;
      return refuseServiceWorker(call, parts);
    case 'preflight':
      take(call, match.target, match.path);
      call.preflight = match.allowed ? 'allowed' : 'refused';
      return undefined;
    case 'method':
      take(call, match.target, match.path);
      call.note('match', false, `the route takes ${match.allow.join(', ')}`);
      return refuse(call, parts, 'MethodNotAllowed', {
        outcome: 'unmatched',
        headers: [['allow', match.allow.join(', ')]],
      });
    case 'invalid':
      return refuse(call, parts, 'PathInvalid', { outcome: 'unmatched', publicDetail: match.reason });
    case 'none':
      return refuse(call, parts, 'RouteNotFound', { outcome: 'unmatched' });
  }
}

function take(call: HttpCall, target: RouteTarget<LiveFunction, LiveTrigger>, path: string): void {
  const { owner, text, publicUrl, ownsHost } = target;
  call.fn = owner;
  call.trigger = target.ready ??= owner.triggerOf(target.trigger);
  call.path = path;
  call.route = text;
  call.publicBase = publicUrl;
  call.ownsHost = ownsHost;
}

/** On a host that several namespaces share, a page of one must not become the service worker of all. */
function refuseServiceWorker(call: HttpCall, parts: WorkerParts): void {
  if (call.ownsHost || call.head.serviceWorker === undefined) return undefined;
  return refuse(call, parts, 'Forbidden', {
    outcome: 'limited',
    publicDetail: 'service worker scripts are not served on a shared host',
  });
}
