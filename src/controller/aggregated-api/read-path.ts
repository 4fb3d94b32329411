/** What a request to the API server's aggregation layer is about, read as the API server itself reads it for its rules. Pure. */

export const apiGroup = 'run.moonhook.dev';
export const apiVersionName = 'v1alpha1';
/** `run.moonhook.dev/v1alpha1`. */
export const runVersion = `${apiGroup}/${apiVersionName}`;

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface ResourceRequest {
  readonly verb: Verb;
  readonly resource: string;
  readonly subresource?: string;
  /** Undefined: of all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  readonly query: URLSearchParams;
}

export type ReadPath =
  /** Below the version, or above it: discovery and OpenAPI. */
  | { readonly kind: 'document'; readonly path: string }
  | { readonly kind: 'resource'; readonly request: ResourceRequest }
  | { readonly kind: 'bad'; readonly message: string };

const verbs: Readonly<Record<string, Verb>> = { POST: 'create', PUT: 'update', PATCH: 'patch' };
const label = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const root = ['apis', apiGroup, apiVersionName];

/** `url`: path and query. */
export function readPath(method: string, url: string): ReadPath {
  const [path = '', query = ''] = url.split(/\?(.*)/s);
  const segments: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    const decoded = decode(segment);
    if (decoded === undefined || decoded === '.' || decoded === '..' || decoded.includes('/')) {
      return { kind: 'bad', message: 'a segment of the path cannot be read' };
    }
    segments.push(decoded);
  }
  if (segments.at(-1) === '') segments.pop();
  if (segments.length <= root.length || root.some((each, index) => segments[index] !== each)) {
    return { kind: 'document', path: `/${segments.join('/')}` };
  }
  const parameters = new URLSearchParams(query);
  const below = segments.slice(root.length);
  let namespace: string | undefined;
  if (below[0] === 'namespaces' && below.length > 2) {
    namespace = below[1] ?? '';
    if (!label.test(namespace)) return { kind: 'bad', message: 'the path names no namespace' };
    below.splice(0, 2);
  }
  const [resource = '', name, subresource, ...rest] = below;
  if (rest.length > 0 || [resource, name, subresource].includes('')) {
    return { kind: 'bad', message: 'the path is longer than any of this API' };
  }
  const verb = verbOf(method, name, parameters);
  if (verb === undefined) return { kind: 'bad', message: `${method} is no method of this API` };
  return {
    kind: 'resource',
    request: {
      verb,
      resource,
      ...(subresource === undefined ? {} : { subresource }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
      query: parameters,
    },
  };
}

function verbOf(method: string, name: string | undefined, query: URLSearchParams): Verb | undefined {
  if (method === 'GET' || method === 'HEAD') {
    if (name !== undefined) return 'get';
    return ['true', '1'].includes(query.get('watch') ?? '') ? 'watch' : 'list';
  }
  if (method === 'DELETE') return name === undefined ? 'deletecollection' : 'delete';
  return verbs[method];
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
