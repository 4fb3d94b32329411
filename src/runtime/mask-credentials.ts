/** Takes credentials out of what is kept or shown of a request: query parts, path parameters, headers. */
import type { HttpCall } from './http-call.ts';

/** Headers that are credentials whatever the receiver says: never stored, never recorded. */
export const sensitiveHeaders: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

const mask = '***';

/** Path and query as received, with credentials replaced. */
export function maskTarget(call: HttpCall): string {
  const receiver = (call.trigger ?? call.namedTrigger)?.receiver;
  if (receiver === undefined) return call.listener === 'public' ? maskUnknown(call) : call.target;
  const { credentialQuery, credentialParams } = receiver;
  if (credentialQuery.size === 0 && credentialParams.size === 0) return call.target;
  return maskPath(call, credentialParams) + maskQuery(call.queryText, credentialQuery);
}

/** No receiver says which parts are credentials (it is not resolved, or no route matched): any value may be one. */
function maskUnknown(call: HttpCall): string {
  const [path = ''] = call.target.split('?', 1);
  const names = call.route.split('/').flatMap((part) => (part.startsWith(':') ? [part.slice(1)] : []));
  return (names.length === 0 ? path : maskPath(call, new Set(names))) + maskQuery(call.queryText, undefined);
}

/** The canonical path with credential parameters masked. */
export function maskPath(call: Pick<HttpCall, 'path' | 'route'>, credentialParams: ReadonlySet<string>): string {
  if (credentialParams.size === 0) return call.path;
  const pattern = call.route.split('/');
  return call.path
    .split('/')
    .map((segment, index) => {
      const part = pattern[index] ?? '';
      return part.startsWith(':') && credentialParams.has(part.slice(1)) ? mask : segment;
    })
    .join('/');
}

/** Without `names` every value is masked. */
function maskQuery(text: string, names: ReadonlySet<string> | undefined): string {
  if (text === '') return '';
  const parts = text.split('&').map((part) => {
    const at = part.indexOf('=');
    if (names === undefined) return at === -1 ? mask : `${part.slice(0, at)}=${mask}`;
    return at !== -1 && names.has(decodeName(part.slice(0, at))) ? `${part.slice(0, at)}=${mask}` : part;
  });
  return `?${parts.join('&')}`;
}

/** As the query is read for verification: a name written with escapes must not pass unmasked. */
function decodeName(text: string): string {
  const [first] = new URLSearchParams(`${text}=`).keys();
  return first ?? text;
}
