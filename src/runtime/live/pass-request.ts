/** Passes a call that came through the aggregated API to the call listener of this process, in the name of its caller. */
import type { LiveAct, LiveAnswer, PassedResponse } from '../../link/live-questions.ts';

export type PassRequest = (act: LiveAct & { readonly op: 'request' }, signal: AbortSignal) => Promise<LiveAnswer>;

/** As base64 in JSON it fits a message of the link. */
const longestBody = 2 * 1024 * 1024;

/** `token`: of this process alone; `callsUrl`: of its call listener. */
export function createPassRequest(callsUrl: string, token: string): PassRequest {
  return async ({ namespace, principal, method, path, headers, bodyBase64 }, signal) => {
    const url = placeOf(callsUrl, path, namespace.name);
    if (url === undefined) return { status: 400, message: 'the path leads elsewhere than to what is called' };
    const asked = new Headers(headers.map(([name, value]): [string, string] => [name, value]));
    asked.set('authorization', `Bearer ${token}.${Buffer.from(principal).toString('base64url')}`);
    const response = await fetch(url, {
      method,
      headers: asked,
      redirect: 'manual',
      signal,
      ...(bodyBase64 === undefined ? {} : { body: Buffer.from(bodyBase64, 'base64') }),
    });
    const body = Buffer.from(await response.arrayBuffer());
    if (body.length > longestBody) {
      const message = `the function answered ${response.status} with ${body.length} bytes: more than 2 MiB do not pass through the API server; call it through the Service of active calls`;
      return { status: 400, message };
    }
    const passed: PassedResponse = {
      status: response.status,
      headers: [...response.headers],
      bodyBase64: body.toString('base64'),
    };
    return { status: 200, body: passed };
  };
}

/** Undefined: read as a URL, where `\\` is a slash and dots climb, the path is not of what it names, or not of its namespace. */
function placeOf(callsUrl: string, path: string, namespace: string): URL | undefined {
  const [, verb = '', place, name] = path.split(/[/?]/, 4);
  if (!['function', 'async-function', 'events'].includes(verb) || place !== namespace) return undefined;
  const named = verb === 'events' ? `/${verb}/${place}` : `/${verb}/${place}/${name}`;
  const url = new URL(`${callsUrl}${path}`);
  return url.pathname === named || (verb !== 'events' && url.pathname.startsWith(`${named}/`)) ? url : undefined;
}
