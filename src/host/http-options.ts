/** Reads the arguments of outgoing requests, and makes the table of a response. */
import type { HostArguments, LuaInput, LuaValue } from '../lua/types.ts';
import { secondsToMs } from './define.ts';
import { defaultEncodeOptions, encodeJson, EncodeProblem } from './json-encode.ts';
import { parseTime } from './time.ts';
import type { OutboundRequest, OutboundResponse } from './types.ts';
import { encodeQuery } from './url.ts';

/** Names of the options every request takes. */
export const optionNames = ['query', 'headers', 'json', 'form', 'body', 'auth', 'timeout', 'redirects', 'expect'];
const defaultTimeoutMs = 10_000;
const defaultRedirects = 5;
const maxRedirects = 10;
/** Most bytes of a body, sent or received. */
export const bodyCap = 4 * 1024 * 1024;
const longestRetryAfter = 86_400;

/** What a request asks of the guard, and what its answer must be. */
export type RequestParts = Pick<
  OutboundRequest,
  'method' | 'url' | 'headers' | 'body' | 'timeoutMs' | 'maxRedirects'
> & {
  readonly expect: Expectation | undefined;
};
type Expectation = (status: number) => boolean;

/** Seconds of a `Retry-After` header (RFC 9110 §10.2.3), at most a day; undefined: none or not readable. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^[0-9]{1,9}$/.test(text)) return Math.min(Number(text), longestRetryAfter);
  const at = text.length > 64 ? undefined : parseTime(text);
  return at === undefined ? undefined : Math.min(Math.max(0, Math.ceil((at - nowMs) / 1000)), longestRetryAfter);
}

function readExpect(args: HostArguments, position: number, value: unknown): Expectation | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') return (status) => status === value;
  if (typeof value === 'string' && /^[1-5]xx$/i.test(value)) {
    const hundred = Number(value.charAt(0));
    return (status) => Math.floor(status / 100) === hundred;
  }
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')) {
    return (status) => (value as unknown[]).includes(status);
  }
  return args.fail(position, 'expect must be a status, a list of statuses, or "2xx"');
}

function readHeaders(args: HostArguments, position: number, value: unknown): [string, string][] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.length === 0) return [];
  if (!(value instanceof Map)) return args.fail(position, 'headers must be a table of names and values');
  const headers: [string, string][] = [];
  for (const [name, given] of value as Map<unknown, LuaValue>) {
    if (typeof name !== 'string') return args.fail(position, 'a header name is not a string');
    for (const item of Array.isArray(given) ? given : [given]) {
      if (typeof item !== 'string' && typeof item !== 'number' && typeof item !== 'bigint') {
        return args.fail(position, `the header "${name.slice(0, 64)}" is not a string or a list of strings`);
      }
      headers.push([name, String(item)]);
    }
  }
  return headers;
}

function readAuth(args: HostArguments, position: number, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (value instanceof Map) {
    const auth = value as ReadonlyMap<unknown, unknown>;
    const bearer = auth.get('bearer');
    if (typeof bearer === 'string' && auth.size === 1) return `Bearer ${bearer}`;
    const user = auth.get('user') ?? auth.get(1);
    const password = auth.get('password') ?? auth.get(2) ?? '';
    if (typeof user === 'string' && typeof password === 'string') {
      return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    }
  }
  if (Array.isArray(value) && value.length === 2 && value.every((item) => typeof item === 'string')) {
    return `Basic ${Buffer.from(value.join(':')).toString('base64')}`;
  }
  return args.fail(position, 'auth must be { bearer = token } or { user = name, password = secret }');
}

function readBody(
  args: HostArguments,
  position: number,
  options: ReadonlyMap<string, unknown>,
): { readonly bytes: Uint8Array; readonly type?: string } | undefined {
  const given = ['json', 'form', 'body'].filter((name) => options.has(name));
  if (given.length > 1)
    return args.fail(position, `only one of json, form and body may be given, got ${given.join(' and ')}`);
  if (options.has('json')) {
    try {
      const text = encodeJson(options.get('json') as LuaValue, { ...defaultEncodeOptions, maxBytes: bodyCap });
      return { bytes: Buffer.from(text), type: 'application/json' };
    } catch (error) {
      return args.fail(position, error instanceof EncodeProblem ? `json: ${error.message}` : 'json has no JSON form');
    }
  }
  if (options.has('form')) {
    const text = encodeQuery(options.get('form') as LuaValue, (reason) => args.fail(position, `form: ${reason}`));
    return { bytes: Buffer.from(text), type: 'application/x-www-form-urlencoded' };
  }
  const body = options.get('body');
  if (body === undefined) return undefined;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body instanceof Uint8Array ? body : undefined;
  if (bytes === undefined) return args.fail(position, 'body must be a string');
  if (bytes.length > bodyCap) return args.fail(position, 'body is longer than 4 MiB');
  return { bytes };
}

/** Turns the arguments of a request into what the guard is asked to send. */
export function readRequest(
  args: HostArguments,
  position: number,
  method: string,
  url: string,
  options: ReadonlyMap<string, unknown>,
  remainingMs: number,
): RequestParts {
  const headers = readHeaders(args, position, options.get('headers'));
  const has = (name: string): boolean => headers.some(([known]) => known.toLowerCase() === name);
  const auth = readAuth(args, position, options.get('auth'));
  if (auth !== undefined) {
    if (has('authorization')) return args.fail(position, 'auth and a header "authorization" are given');
    headers.push(['authorization', auth]);
  }
  const body = readBody(args, position, options);
  if (body?.type !== undefined && !has('content-type')) headers.push(['content-type', body.type]);
  const timeout = options.get('timeout');
  const redirects = options.get('redirects') ?? defaultRedirects;
  if (typeof redirects !== 'number' || !Number.isInteger(redirects) || redirects < 0 || redirects > maxRedirects) {
    return args.fail(position, `redirects must be an integer from 0 to ${maxRedirects}`);
  }
  const query = options.get('query');
  const timeoutMs = timeout === undefined ? defaultTimeoutMs : secondsToMs(args, position, 'timeout', timeout, 3_600);
  return {
    method,
    url:
      query === undefined
        ? url
        : withQuery(
            url,
            encodeQuery(query as LuaValue, (reason) => args.fail(position, `query: ${reason}`)),
          ),
    headers,
    timeoutMs: Math.min(timeoutMs, Math.max(0, Math.floor(remainingMs))),
    maxRedirects: redirects,
    expect: readExpect(args, position, options.get('expect')),
    ...(body === undefined ? {} : { body: body.bytes }),
  };
}

function withQuery(url: string, query: string): string {
  if (query === '') return url;
  const hash = url.indexOf('#');
  const base = hash < 0 ? url : url.slice(0, hash);
  return `${base}${base.includes('?') ? '&' : '?'}${query}`;
}

/** The table Lua gets for a response; `headers_all` and `url` are moved out of sight by the Lua part. */
export function responseTable(
  response: Pick<OutboundResponse, 'status' | 'headers' | 'body'> & { readonly url?: string },
): LuaInput {
  const headers = new Map<string, LuaInput>();
  const all = new Map<string, LuaInput>();
  for (const [name, values] of response.headers) {
    headers.set(name, name === 'set-cookie' ? values[0] : values.join(', '));
    all.set(name, values);
  }
  return { status: response.status, headers, body: response.body, headers_all: all, url: response.url };
}
