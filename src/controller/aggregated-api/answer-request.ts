/** The way of a request through the API, top to bottom: path, user, what there is, what he may do, its handler. */
import { isRefusal, refusal, type Refusal } from './api-status.ts';
import type { Authorize } from './authorize-user.ts';
import { discoveryDocuments } from './discovery.ts';
import { openApiDocuments } from './open-api.ts';
import type { ProvedUser } from './front-proxy.ts';
import type { Answered, ApiParts, Handler } from './handler.ts';
import { handlers } from './handlers.ts';
import { readPath, type ResourceRequest } from './read-path.ts';
import { findResource } from './resource-catalogue.ts';

export interface ApiRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly body: Buffer;
  readonly signal: AbortSignal;
  readonly user: ProvedUser;
}

export type Document = { readonly kind: 'document'; readonly document: unknown };

const documents = { ...discoveryDocuments, ...openApiDocuments };

export function createAnswerer(
  parts: ApiParts,
  authorize: Authorize,
): (request: ApiRequest) => Promise<(Answered & { readonly resource: string }) | Document | Refusal> {
  return async ({ method, url, body, signal, user }) => {
    const read = readPath(method, url);
    if (read.kind === 'bad') return refusal(400, read.message);
    if (read.kind === 'document') {
      const document = Object.hasOwn(documents, read.path) ? documents[read.path] : undefined;
      if (document === undefined) return refusal(404, 'there is nothing at this path');
      return method === 'GET' ? { kind: 'document', document } : refusal(405, 'documents are only read');
    }
    const { request } = read;
    const handler = findHandler(request);
    if (typeof handler !== 'function') return handler;
    const { verb, resource, subresource, namespace, name } = request;
    const own = {
      verb,
      resource,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    };
    const denied = await authorize(user, own);
    if (denied !== undefined) return denied;
    const answer = await handler(parts, {
      request,
      user: user.name,
      body,
      signal,
      authorize: (wanted) => authorize(user, wanted),
    });
    return isRefusal(answer) ? answer : { ...answer, resource };
  };
}

function findHandler({ verb, resource, subresource, namespace }: ResourceRequest): Handler | Refusal {
  const entry = findResource(resource);
  const sub = entry?.subresources?.find((each) => each.name === subresource);
  if (entry === undefined || (subresource !== undefined && sub === undefined)) {
    return refusal(404, 'the server could not find the requested resource');
  }
  const path = subresource === undefined ? resource : `${resource}/${subresource}`;
  const handler = handlers[path]?.[verb];
  if (handler === undefined || !(sub ?? entry).verbs.includes(verb)) {
    return refusal(405, `${verb} is not supported on ${path}`, { details: { group: 'run.moonhook.dev', kind: path } });
  }
  if (entry.namespaced || namespace === undefined) return handler;
  return refusal(404, `${resource} belong to no namespace`);
}
