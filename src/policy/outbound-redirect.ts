/** Where a redirect leads and what of the request goes there (WHATWG Fetch, "HTTP-redirect fetch", made stricter). */
import { refuse, type OutboundVerdict } from './outbound-types.ts';

export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: readonly (readonly [string, string])[];
  readonly hostHeaders: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
}

/** All a foreign origin still gets: any other header may be a credential (`x-api-key`, `private-token`, …). */
const keptAcrossOrigins: ReadonlySet<string> = new Set([
  'accept',
  'accept-language',
  'content-language',
  'content-type',
  'user-agent',
]);
const bodyHeaders: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
]);

/** Whether a status with a `Location` is a redirect. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The request of the next hop; its URL is checked by the caller like a first one. */
export function nextHop(
  hop: Hop,
  status: number,
  location: string,
): { readonly ok: true; readonly value: Hop } | (OutboundVerdict & { readonly ok: false }) {
  let url: URL;
  try {
    url = new URL(location, hop.url);
  } catch {
    return refuse('redirect', 'the redirect leads to something that is not a URL');
  }
  if (hop.url.protocol === 'https:' && url.protocol === 'http:') {
    return refuse('redirect', 'the redirect leads from https to http');
  }
  const sameOrigin = url.origin === hop.url.origin;
  const becomesGet =
    (status === 303 && hop.method !== 'GET' && hop.method !== 'HEAD') ||
    ((status === 301 || status === 302) && hop.method === 'POST');
  const headers = hop.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return (sameOrigin || keptAcrossOrigins.has(lower)) && !(becomesGet && bodyHeaders.has(lower));
  });
  return {
    ok: true,
    value: {
      method: becomesGet ? 'GET' : hop.method,
      url,
      headers,
      hostHeaders: sameOrigin ? hop.hostHeaders : [],
      ...(becomesGet || hop.body === undefined ? {} : { body: hop.body }),
    },
  };
}
