/** Whether an answer has the form that is read of it: a proxy before an API server, or another program on a port, may have written another. */
import { isObject } from '../function/is-object.ts';
import type { Answered } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import type { PlainObject } from './run-client.ts';

/** Objects may lack metadata (keys of a store do), not have it as anything else than an object. */
function isItem(value: unknown): value is PlainObject {
  return isObject(value) && (value['metadata'] === undefined || isObject(value['metadata']));
}

/** The answer; of a list the items are objects, `null` (as servers in Go write a list that was never filled) none. */
export function checkAnswer(body: unknown, path: string): Answered<PlainObject> {
  if (!isItem(body)) return odd(path, 'no object');
  const { kind, metadata, items } = body;
  // Those of discovery (`APIResourceList`) have other members.
  const isList = typeof kind === 'string' && kind.endsWith('List') && !kind.startsWith('API');
  if (!isList && items === undefined) return { ok: true, value: body };
  if (items === null && isList) return { ok: true, value: { ...body, metadata: metadata ?? {}, items: [] } };
  if (!Array.isArray(items) || !items.every(isItem)) return odd(path, 'a list without a list of objects');
  return { ok: true, value: { ...body, metadata: metadata ?? {}, items } };
}

function odd(path: string, what: string): Answered<never> {
  const message = `the API server answered ${what} for ${path}: see whether something stands before it that answers in its place`;
  return { ok: false, exitCode: exitCodes.failed, message };
}

/** A named object of a line of a watch; throws what the server says instead, or that it is none. */
export function readWatchLine(line: string, path: string): { readonly name: string; readonly object: PlainObject } {
  let told: unknown;
  try {
    told = JSON.parse(line);
  } catch {
    told = undefined;
  }
  const object = isObject(told) ? told['object'] : undefined;
  if (isObject(object) && isObject(object['metadata']) && object['kind'] !== 'Status') {
    const { name } = object['metadata'];
    if (typeof name === 'string' && name !== '') return { name, object };
  }
  const message = isObject(object) && typeof object['message'] === 'string' ? object['message'] : undefined;
  throw new Error(
    message === undefined
      ? `the API server sent a line that names no object in the watch of ${path}`
      : `the API server ended the watch of ${path}: ${message}`,
  );
}

/** What a local run answered: an object; with `field`, one that has a list of objects there. */
export async function readRunAnswer(response: Response, field?: string): Promise<Answered<PlainObject>> {
  const value: unknown = await response.json().catch(() => undefined);
  const list: unknown = field === undefined || !isObject(value) ? [] : value[field];
  if (isObject(value) && Array.isArray(list) && list.every(isObject)) return { ok: true, value };
  return { ok: false, exitCode: exitCodes.failed, message: oddRun(response.url, field) };
}

/** A line of a stream of a local run; throws where it is no object. */
export function readRunLine(line: string, url: string): PlainObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (isObject(value)) return value;
  throw new Error(oddRun(url, undefined));
}

function oddRun(url: string, field: string | undefined): string {
  const what = field === undefined ? 'no object' : `no list of ${field}`;
  const origin = URL.parse(url)?.origin ?? 'the run';
  return `${origin} answered ${what}: is it \`moonhook dev\`, and of this version?`;
}
