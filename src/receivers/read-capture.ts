/** Reads a captured request from JSON: `{ method, url, headers, body | bodyBase64 }`, as `moonhook verify` takes it. */
import { isObject } from '../function/is-object.ts';
import { decodeBase64 } from './decode-digest.ts';
import type { RawRequest } from './types.ts';

export type CaptureResult =
  | { readonly ok: true; readonly request: RawRequest }
  | { readonly ok: false; readonly message: string };

export interface CaptureOptions {
  /** Scheme, host and path prefix as registered at the sender, where the capture's `url` is only a path. */
  readonly publicUrl?: string;
  /** Route pattern that gives names to path segments: `/team-a/hooks/:token`. */
  readonly route?: string;
}

const method = /^[A-Za-z]{1,32}$/;
const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/;

/** The request of a parsed capture, or what is wrong with it. */
export function readCapture(capture: unknown, options: CaptureOptions = {}): CaptureResult {
  if (!isObject(capture)) {
    return { ok: false, message: 'a capture is an object { method, url, headers, body | bodyBase64 }' };
  }
  const verb = capture['method'] ?? 'POST';
  if (typeof verb !== 'string' || !method.test(verb)) return { ok: false, message: 'method must be an HTTP method' };
  const url = readUrl(capture['url'], options.publicUrl);
  if (typeof url === 'object') return url;
  const headers = readHeaders(capture['headers'] ?? {});
  if (typeof headers === 'string') return { ok: false, message: headers };
  const body = readBody(capture['body'], capture['bodyBase64']);
  if (typeof body === 'string') return { ok: false, message: body };
  const target = targetOf(url);
  const params = options.route === undefined ? new Map<string, string>() : nameSegments(options.route, target);
  if (params === undefined) return { ok: false, message: `url does not fit the route ${options.route ?? ''}` };
  return {
    ok: true,
    request: { method: verb.toUpperCase(), target, publicUrl: url, headers, query: readQuery(target), params, body },
  };
}

function readUrl(
  url: unknown,
  publicUrl: string | undefined,
): string | { readonly ok: false; readonly message: string } {
  if (typeof url !== 'string' || url === '') return { ok: false, message: 'url must be a URL, or a path with query' };
  if (/^https?:\/\//i.test(url)) {
    if (!URL.canParse(url)) return { ok: false, message: 'url is not a URL' };
    return publicUrl === undefined ? url : publicUrl.replace(/\/$/, '') + targetOf(url);
  }
  if (!url.startsWith('/')) return { ok: false, message: 'url must begin with http://, https:// or /' };
  const base = publicUrl ?? 'http://localhost';
  if (!URL.canParse(base)) return { ok: false, message: 'the public URL is not a URL' };
  return base.replace(/\/$/, '') + url;
}

function targetOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const end = url.indexOf('#');
  const target = start === -1 ? '/' : url.slice(start, end === -1 ? undefined : end);
  return target === '' ? '/' : target;
}

function readHeaders(headers: unknown): ReadonlyMap<string, readonly string[]> | string {
  if (typeof headers !== 'object' || headers === null) return 'headers must be an object, or a list of [name, value]';
  const pairs: readonly unknown[] = Array.isArray(headers) ? headers : Object.entries(headers);
  const result = new Map<string, string[]>();
  for (const pair of pairs) {
    const [name, value] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    if (typeof name !== 'string' || !headerName.test(name))
      return `headers: ${JSON.stringify(name)} is not a header name`;
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (!values.every((item) => typeof item === 'string' || typeof item === 'number')) {
      return `headers.${name} must be text or a list of texts`;
    }
    const key = name.toLowerCase();
    result.set(key, [...(result.get(key) ?? []), ...values.map((item) => String(item).trim())]);
  }
  return result;
}

function readBody(body: unknown, bodyBase64: unknown): Uint8Array | string {
  if (body !== undefined && bodyBase64 !== undefined) return 'body and bodyBase64 are both there: keep the exact one';
  if (bodyBase64 !== undefined) {
    const bytes = typeof bodyBase64 === 'string' ? decodeBase64(bodyBase64) : undefined;
    return bytes ?? 'bodyBase64 must be base64 text';
  }
  if (body === undefined || body === null) return new Uint8Array();
  // A parsed body written out again has other bytes than the ones that were signed.
  return typeof body === 'string'
    ? Buffer.from(body, 'utf8')
    : 'body must be the exact text of the body, not parsed JSON';
}

function readQuery(target: string): ReadonlyMap<string, readonly string[]> {
  const start = target.indexOf('?');
  const query = new Map<string, string[]>();
  if (start === -1) return query;
  for (const [name, value] of new URLSearchParams(target.slice(start + 1))) {
    query.set(name, [...(query.get(name) ?? []), value]);
  }
  return query;
}

function nameSegments(route: string, target: string): ReadonlyMap<string, string> | undefined {
  const pattern = route.split('/').filter((part) => part !== '');
  const path = (target.split('?')[0] ?? '').split('/').filter((part) => part !== '');
  const rest = pattern.at(-1) === '*';
  if (rest ? path.length < pattern.length - 1 : path.length !== pattern.length) return undefined;
  const params = new Map<string, string>();
  for (const [index, part] of pattern.entries()) {
    const segment = path[index] ?? '';
    if (part === '*' && index === pattern.length - 1) break;
    if (part.startsWith(':')) {
      try {
        params.set(part.slice(1), decodeURIComponent(segment));
      } catch {
        return undefined;
      }
    } else if (part !== segment) return undefined;
  }
  return params;
}
