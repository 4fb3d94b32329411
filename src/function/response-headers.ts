/**
 * What a function may say in response headers. Framing and hop-by-hop headers are the server's, headers that steer a whole
 * origin or a proxy in front of it are nobody's function's, and names or values HTTP does not allow are mistakes.
 */
import { isTable, kindOf, type PlainValue } from './plain-value.ts';

export type HeaderList = readonly (readonly [name: string, value: string])[];

export type FilteredHeaders =
  | {
      readonly ok: true;
      /** Lower-case names; values as bytes in Latin-1, which is how Node writes them. */
      readonly headers: HeaderList;
      /** Names that were left out. */
      readonly dropped: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

export interface HeaderRules {
  /** The host belongs to the function's namespace alone: it may set cookies there. */
  readonly ownsHost: boolean;
}

export const maxResponseHeaders = 100;
export const maxResponseHeaderBytes = 32 * 1024;

/** Never a function's: framing and hop-by-hop (RFC 9110 §7.6.1), what the host itself says of the call, orders to proxies. */
const serverOwned: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-call-id',
  'x-duration-seconds',
  'x-sendfile',
  'x-lighttpd-send-file',
  'x-reproxy-url',
]);

/** Orders to a proxy in front (`X-Accel-Redirect` makes nginx answer with a file or location of its own), marks of the host. */
const serverOwnedPrefixes = ['x-accel-', 'x-moonhook-'];

/** Speak for a whole origin, which no single function is. */
const originWide: ReadonlySet<string> = new Set([
  'alt-svc',
  'clear-site-data',
  'service-worker-allowed',
  'strict-transport-security',
]);

/** Speak for a whole origin in ways that its owner may want. */
const ownersOnly: ReadonlySet<string> = new Set([
  'accept-ch',
  'critical-ch',
  'expect-ct',
  'nel',
  'origin-agent-cluster',
  'public-key-pins',
  'report-to',
  'reporting-endpoints',
  'set-cookie',
  'set-cookie2',
  'set-login',
  // The host's own `nosniff` would come second and not count.
  'x-content-type-options',
]);

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Field values of RFC 9110 §5.5: visible characters, blanks, tabs and bytes above ASCII. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Reads `headers` of a response table: names to a string, a number, or a list of strings. */
export function readHeaders(value: PlainValue, rules: HeaderRules): FilteredHeaders {
  if (value === undefined || (Array.isArray(value) && value.length === 0))
    return { ok: true, headers: [], dropped: [] };
  if (!isTable(value)) return refuse(`headers is ${kindOf(value)}; it has to be a table of names and values`);
  const headers: (readonly [string, string])[] = [];
  const dropped: string[] = [];
  let bytes = 0;
  for (const [key, item] of value) {
    if (typeof key !== 'string') return refuse(`headers has the key ${String(key)}; keys are the names of headers`);
    if (!token.test(key)) return refuse(`${JSON.stringify(key.slice(0, 80))} is not the name of a header`);
    const name = key.toLowerCase();
    for (const each of Array.isArray(item) ? (item as readonly PlainValue[]) : [item]) {
      const text = toLatin1(each);
      if (text === undefined)
        return refuse(`the header ${key} is ${kindOf(each)}; it has to be a string, or a list of strings`);
      if (!fieldValue.test(text))
        return refuse(`the value of the header ${key} holds a line break or another control character`);
      if (isDropped(name, rules)) dropped.push(name);
      else headers.push([name, text]);
      bytes += name.length + text.length;
    }
    if (headers.length > maxResponseHeaders) return refuse(`there are more than ${maxResponseHeaders} headers`);
    if (bytes > maxResponseHeaderBytes) return refuse(`the headers are longer than ${maxResponseHeaderBytes} bytes`);
  }
  return { ok: true, headers, dropped: [...new Set(dropped)] };
}

function isDropped(name: string, { ownsHost }: HeaderRules): boolean {
  return (
    serverOwned.has(name) ||
    originWide.has(name) ||
    serverOwnedPrefixes.some((prefix) => name.startsWith(prefix)) ||
    (!ownsHost && ownersOnly.has(name))
  );
}

/** The very bytes Lua gave, one character each. */
function toLatin1(value: PlainValue): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string')
    return /^[\x00-\x7f]*$/.test(value) ? value : Buffer.from(value, 'utf8').toString('latin1');
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined;
}

function refuse(message: string): FilteredHeaders {
  return { ok: false, message };
}
