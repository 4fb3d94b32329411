/** Calls a function by name at the call listener of a local run, for the console: its answer as text, as far as it is text. */
import type { InvokeOrder, WatchAnswer } from '../console/watch-source.ts';
import { askProcess } from './dev-client.ts';
import { shownResponse } from './shown-response.ts';

export async function invokeLocally(callUrl: string, token: string, order: InvokeOrder): Promise<WatchAnswer> {
  const { namespace, name, trigger, method, path = '', contentType, body, later } = order;
  const headers = new Headers();
  if (contentType !== undefined) headers.set('content-type', contentType);
  if (trigger !== undefined) headers.set('x-moonhook-trigger', trigger);
  const verb = later === true ? 'async-function' : 'function';
  const answer = await askProcess(`${callUrl}/${verb}/${namespace}/${name}${path}`, token, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  if (!answer.ok) return { ok: false, status: 503, message: answer.message };
  return { ok: true, value: await shownResponse(answer.value) };
}
