/** Cross-origin rules of a trigger (Fetch standard, CORS protocol): who may read an answer. */
import type { HttpTriggerEntry } from '../routing/types.ts';
import type { HttpCall } from './http-call.ts';

type Cors = NonNullable<HttpTriggerEntry['cors']>;

/** The value of `Access-Control-Allow-Origin`; undefined: this origin is not allowed. */
export function allowedOrigin(cors: Cors, origin: string): string | undefined {
  // With credentials `*` is not a wildcard for browsers, and reflecting any origin would undo the protection.
  if (cors.origins.includes('*') && !cors.credentials) return '*';
  return cors.origins.includes(origin) ? origin : undefined;
}

/** Headers of an ordinary answer, as name and value alternating; undefined: none. */
export function corsHeaders(call: HttpCall): readonly string[] | undefined {
  const cors = call.trigger?.extras?.cors;
  if (cors === undefined) return undefined;
  const vary = cors.origins.includes('*') && !cors.credentials ? [] : ['vary', 'origin'];
  const { origin } = call.request.headers;
  const allowed = origin === undefined ? undefined : allowedOrigin(cors, origin);
  if (allowed === undefined) return vary;
  const credentials = cors.credentials ? ['access-control-allow-credentials', 'true'] : [];
  return ['access-control-allow-origin', allowed, ...credentials, ...vary];
}
