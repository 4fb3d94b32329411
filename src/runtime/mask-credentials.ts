/** Takes credentials out of what is kept or shown of a request: query parts, path parameters, headers. */
import type { HttpCall } from './http-call.ts';

/** Headers that are credentials whatever the receiver says: never stored, never recorded. */
export const sensitiveHeaders: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

export const mask = '***';
const none: ReadonlySet<string> = new Set();

/** Whole names, as they stand in queries and forms mostly. */
const credentialNames: ReadonlySet<string> = new Set([
  'key',
  'sig',
  'auth',
  'jwt',
  'pwd',
  'pass',
  'passwd',
  'bearer',
  'cookie',
]);
/** What names of credentials end with, or hold as a part, in any spelling: `X-Api-Key`, `api_key`, `accessToken`. */
const credentialEndings =
  /(token|secret|password|passphrase|passwd|apikey|accesskey|authkey|privatekey|secretkey|sharedkey|subscriptionkey|functionskey|credential|credentials|authorization|cookie)$/;
/**
 * Of query parameters alone: who builds such an address puts a key there (Azure Functions: `code`), a signature that lets
 * whoever has the address in (presigned addresses: `X-Amz-Signature`), or one-time codes of logins. In a header such names
 * mean a status or prove what is beside them.
 */
const queryCredential = /^(?:code|otp|session(?:id)?|hmac|[a-z0-9]*signature|[a-z0-9]*assertion)$/;
/** Nearly every name that is no credential has nothing of these. */
const hint = /tok|key|sec|pass|pwd|sig|auth|jwt|cred|bear|cook|%/i;
const queryHint = /tok|key|sec|pass|pwd|sig|auth|jwt|cred|bear|cook|%|code|otp|session|hmac|assertion/i;

/** Whether a header is called like a credential: nobody who reads what came in needs its value. */
export function isCredentialName(name: string): boolean {
  if (!hint.test(name)) return false;
  const plain = name.toLowerCase();
  return credentialNames.has(plain) || credentialEndings.test(plain.replaceAll(/[-_.\s]/g, ''));
}

/** The same for a query parameter. */
export function isCredentialParameter(name: string): boolean {
  return isCredentialName(name) || queryCredential.test(name.toLowerCase().replaceAll(/[-_.\s]/g, ''));
}

/** Path and query as received, with credentials replaced. */
export function maskTarget(call: HttpCall): string {
  const receiver = (call.trigger ?? call.namedTrigger)?.receiver;
  if (receiver === undefined) {
    if (call.listener === 'public') return maskUnknown(call);
    return queryHint.test(call.queryText) ? pathOf(call) + maskQuery(call.queryText, none) : call.target;
  }
  const { credentialQuery, credentialParams } = receiver;
  if (credentialQuery.size === 0 && credentialParams.size === 0 && !queryHint.test(call.queryText)) return call.target;
  return maskPath(call, credentialParams) + maskQuery(call.queryText, credentialQuery);
}

/** No receiver says which parts are credentials (it is not resolved, or no route matched): any value may be one. */
function maskUnknown(call: HttpCall): string {
  const path = pathOf(call);
  const names = call.route.split('/').flatMap((part) => (part.startsWith(':') ? [part.slice(1)] : []));
  return (names.length === 0 ? path : maskPath(call, new Set(names))) + maskQuery(call.queryText, undefined);
}

function pathOf({ target }: HttpCall): string {
  return target.split('?', 1)[0] ?? '';
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
    if (at === -1) return part;
    const name = decodeName(part.slice(0, at));
    return names.has(name) || isCredentialParameter(name) ? `${part.slice(0, at)}=${mask}` : part;
  });
  return `?${parts.join('&')}`;
}

/** As the query is read for verification: a name written with escapes must not pass unmasked. */
function decodeName(text: string): string {
  const [first] = new URLSearchParams(`${text}=`).keys();
  return first ?? text;
}
