/** Answers preflights: OPTIONS requests of browsers that ask before they call. */
import { answerCall } from './answer-call.ts';
import { allowedOrigin } from './cors-headers.ts';
import type { HttpCall } from './http-call.ts';
import { refuse } from './refuse.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Answers a preflight of a trigger with `cors`; other requests pass. */
export function answerPreflight(call: HttpCall, parts: WorkerParts): void {
  const http = call.trigger?.http;
  if (call.preflight === undefined || http?.cors === undefined) return undefined;
  const { cors } = http;
  const asked = String(call.request.headers['access-control-request-method']).toUpperCase();
  if (allowedOrigin(cors, call.request.headers.origin ?? '') === undefined) {
    call.note('cors', false, 'the origin is not listed');
    return refuse(call, parts, 'Forbidden', {
      outcome: 'limited',
      publicDetail: 'this origin may not call this route',
    });
  }
  if (call.preflight === 'refused' || (cors.methods.length > 0 && !cors.methods.includes(asked))) {
    call.note('cors', false, `${asked} is not allowed`);
    return refuse(call, parts, 'Forbidden', { outcome: 'limited', publicDetail: 'this method may not be used here' });
  }
  const headers: [string, string][] = [
    ['access-control-allow-methods', cors.methods.length > 0 ? cors.methods.join(', ') : asked],
  ];
  if (cors.headers.length > 0) headers.push(['access-control-allow-headers', cors.headers.join(', ')]);
  if (cors.maxAgeSeconds !== undefined) headers.push(['access-control-max-age', String(cors.maxAgeSeconds)]);
  call.note('cors', true, 'preflight answered');
  return answerCall(call, parts, { status: 204, headers }, { outcome: 'ok' });
}
