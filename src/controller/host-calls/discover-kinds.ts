/** Which resource of the API server a kind is: asked once per API version, and again when a kind is not there. */
import { type KubeFailure } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KindResource } from './plan-request.ts';

export type Discovery =
  | { readonly ok: true; readonly found: KindResource }
  | { readonly ok: false; readonly failure: Pick<KubeFailure, 'status' | 'reason' | 'message'> };

export interface KindBook {
  find(apiVersion: string, kind: string): Promise<Discovery>;
}

interface ResourceList {
  readonly resources?: readonly { readonly name?: unknown; readonly kind?: unknown; readonly namespaced?: unknown }[];
}

type Kinds =
  | { readonly ok: true; readonly kinds: ReadonlyMap<string, KindResource> }
  | { readonly ok: false; readonly failure: KubeFailure };

interface Known {
  readonly reading: Promise<Kinds>;
  readonly at: number;
}

/** What was found holds so long, what was not found so long. */
const keptMs = 300_000;
const missingMs = 2_000;
const mostKept = 1_000;
const resourcePattern = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

export function createKindBook(client: Pick<KubeClient, 'request'>, now: () => number): KindBook {
  const known = new Map<string, Known>();

  function read(apiVersion: string): Promise<Kinds> {
    const reading = readKinds(client, apiVersion);
    // An answer of a form that nobody can read is asked for anew.
    reading.catch(() => known.delete(apiVersion));
    known.delete(apiVersion);
    // The oldest goes: the map is in the order of reading.
    if (known.size >= mostKept) known.delete(known.keys().next().value as string);
    known.set(apiVersion, { reading, at: now() });
    return reading;
  }

  return {
    async find(apiVersion, kind) {
      const last = known.get(apiVersion);
      const age = last === undefined ? Number.POSITIVE_INFINITY : now() - last.at;
      let kinds = await (last === undefined || age >= keptMs ? read(apiVersion) : last.reading);
      // A kind may come with a definition that was applied a moment ago.
      if ((!kinds.ok || !kinds.kinds.has(kind)) && age < keptMs && age >= missingMs) kinds = await read(apiVersion);
      if (!kinds.ok && kinds.failure.status !== 404) {
        known.delete(apiVersion);
        return { ok: false, failure: kinds.failure };
      }
      const found = kinds.ok ? kinds.kinds.get(kind) : undefined;
      if (found !== undefined) return { ok: true, found };
      const message = kinds.ok
        ? `the cluster has no kind ${kind} in ${apiVersion}`
        : `the cluster has no API version ${apiVersion}`;
      return { ok: false, failure: { status: 404, reason: 'NoSuchKind', message } };
    },
  };
}

async function readKinds(client: Pick<KubeClient, 'request'>, apiVersion: string): Promise<Kinds> {
  const segments = apiVersion.split('/').map(encodeURIComponent);
  const path = `/${segments.length === 1 ? 'api' : 'apis'}/${segments.join('/')}`;
  const answer = await client.request<ResourceList>({ path, timeoutMs: 10_000 });
  if (!answer.ok) return { ok: false, failure: answer };
  const kinds = new Map<string, KindResource>();
  for (const { name, kind, namespaced } of answer.body.resources ?? []) {
    // Subresources have a slash; an extension server may say anything.
    if (typeof name !== 'string' || typeof kind !== 'string' || !resourcePattern.test(name)) continue;
    if (!kinds.has(kind)) kinds.set(kind, { resource: name, namespaced: namespaced === true });
  }
  return { ok: true, kinds };
}
