/** Checks of an outgoing request that need no network: URL, method, port, headers. */
import { normaliseHost, type EgressTarget } from './egress.ts';
import { allowed, refuse, type OutboundVerdict } from './outbound-types.ts';

export interface CheckedUrl {
  readonly url: URL;
  readonly target: EgressTarget;
}

const maxUrlLength = 8_192;
const maxHeaders = 100;
const maxHeaderBytes = 16_384;

/** Ports where other protocols listen, refused by browsers as well (WHATWG Fetch, "port blocking"). */
const blockedPorts: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** Headers the guard sets itself, those of the connection (RFC 9110 §7.6.1), and those that would forge a host's word. */
const refusedHeaders: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const refusedPrefixes = ['webhook-', 'x-moonhook-'];
const refusedMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** Parses an absolute http or https URL and names its target as the rules see it. */
export function checkUrl(
  text: string,
): { readonly ok: true; readonly value: CheckedUrl } | (OutboundVerdict & { readonly ok: false }) {
  if (text.length > maxUrlLength) return refuse('url', `the URL is longer than ${maxUrlLength} characters`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refuse('url', 'the URL is not an absolute http or https URL, such as https://api.example.com/');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return refuse(
      'scheme',
      `"${url.protocol.slice(0, 32)}" is not allowed: only http and https are, and a URL begins with them, as https://…`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('credentials', 'the URL holds a user name or password: use the option auth');
  }
  const bare = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : normaliseHost(url.hostname);
  if (bare === undefined || bare === '') return refuse('url', 'the URL has no usable host');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (blockedPorts.has(port)) return refuse('port', `port ${port} belongs to another protocol`);
  return { ok: true, value: { url, target: { host: bare, port } } };
}

/** Checks a method: capital letters, none that opens a tunnel or echoes headers. */
export function checkMethod(method: string): OutboundVerdict {
  if (!/^[A-Z]{1,20}$/.test(method) || refusedMethods.has(method)) {
    return refuse('method', `the method "${method.slice(0, 32)}" is not allowed`);
  }
  return allowed;
}

/** Checks headers chosen by a function. */
export function checkHeaders(headers: readonly (readonly [string, string])[]): OutboundVerdict {
  if (headers.length > maxHeaders) return refuse('header', `more than ${maxHeaders} headers`);
  let bytes = 0;
  for (const [name, value] of headers) {
    bytes += name.length + value.length + 4;
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/.test(name)) {
      return refuse('header', `"${name.slice(0, 64)}" is not a header name`);
    }
    const lower = name.toLowerCase();
    if (refusedHeaders.has(lower) || refusedPrefixes.some((prefix) => lower.startsWith(prefix))) {
      return refuse('header', `the header "${name}" cannot be set by a function`);
    }
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      return refuse('header', `the value of the header "${name}" holds a character that headers cannot carry`);
    }
  }
  if (bytes > maxHeaderBytes) return refuse('header', `the headers are longer than ${maxHeaderBytes} bytes`);
  return allowed;
}
