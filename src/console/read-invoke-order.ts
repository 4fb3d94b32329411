/** Reads what a page wants to call a function with. Pure. */
import type { InvokeOrder } from './watch-source.ts';

const namePattern = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
const mediaTypePattern = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:; ?[\w-]+=[\w.-]+)*$/;
const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** A text: what is wrong. */
export function readInvokeOrder(value: unknown): InvokeOrder | string {
  const { namespace, name, trigger, method, path, contentType, body, later } = (value ?? {}) as Record<string, unknown>;
  for (const text of [namespace, name]) {
    if (typeof text !== 'string' || !namePattern.test(text)) return `${JSON.stringify(text ?? '')} is not a name`;
  }
  if (trigger !== undefined && (typeof trigger !== 'string' || !namePattern.test(trigger))) {
    return `${JSON.stringify(trigger)} is not the name of a trigger`;
  }
  if (typeof method !== 'string' || !methods.includes(method)) return `method is one of ${methods.join(', ')}`;
  if (path !== undefined && (typeof path !== 'string' || !/^\/[^\s#]*$/.test(path))) {
    return 'path begins with / and holds no space';
  }
  if (path?.split(/[/\\?]/).some((part) => /^(?:\.|%2e){1,2}$/i.test(part)) === true) return 'path leads elsewhere';
  if (contentType !== undefined && (typeof contentType !== 'string' || !mediaTypePattern.test(contentType))) {
    return `${JSON.stringify(contentType)} is not a media type`;
  }
  if (body !== undefined && typeof body !== 'string') return 'body is text';
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) return `${method} carries no body`;
  return {
    namespace: namespace as string,
    name: name as string,
    method,
    ...(trigger === undefined ? {} : { trigger }),
    ...(path === undefined ? {} : { path }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(body === undefined ? {} : { body }),
    ...(later === true ? { later } : {}),
  };
}
