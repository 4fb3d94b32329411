/** A whole list of a collection, page by page: it counts only if every page came. */
import type { KubeClient } from './kube-client.ts';
import type { KubeFailure, KubeRequest } from './kube-answer.ts';
import { isKubeObject, type KubeObject } from './kube-object.ts';

/** What is listed and watched. */
export interface Collection {
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Only the metadata of objects is asked for. */
  readonly metadataOnly?: true;
  /** User name to act as. */
  readonly impersonate?: string;
}

interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly unknown[] | null;
}

export type ListResult<Item> =
  | { readonly ok: true; readonly version: string; readonly objects: Map<string, Item> }
  | KubeFailure;

const pageSize = 500;

/** `exactly`: the state at that version instead of now. */
export async function listPages<Item extends KubeObject>(
  client: KubeClient,
  collection: Collection,
  options: {
    /** Keeps of an object what is needed. */
    keep(object: KubeObject): Item;
    readonly exactly?: string | undefined;
    readonly signal?: AbortSignal;
  },
): Promise<ListResult<Item>> {
  const { keep, exactly, signal } = options;
  const objects = new Map<string, Item>();
  let token: string | undefined;
  for (;;) {
    const first = token === undefined;
    const answer = await client.request<Page>({
      ...requestOf(collection, signal),
      query: {
        ...selectorsOf(collection),
        limit: pageSize,
        continue: token,
        ...(first && exactly !== undefined ? { resourceVersion: exactly, resourceVersionMatch: 'Exact' } : {}),
      },
    });
    if (!answer.ok) return answer;
    const { metadata } = answer.body;
    // An empty list of metadata has null for its items.
    const items = answer.body.items === null ? [] : answer.body.items;
    const version = metadata?.resourceVersion;
    if (version === undefined || !Array.isArray(items) || !items.every(isKubeObject)) {
      return { ok: false, status: answer.status, reason: 'Garbled', message: `${collection.path} answered no list` };
    }
    for (const object of items) objects.set(object.metadata.uid, keep(object));
    token = metadata?.continue === '' ? undefined : metadata?.continue;
    if (token === undefined) return { ok: true, version, objects };
  }
}

/** The version the collection stands at now, for one object's worth of work. */
export async function currentVersion(
  client: KubeClient,
  collection: Collection,
  signal?: AbortSignal,
): Promise<{ readonly ok: true; readonly version: string } | KubeFailure> {
  const answer = await client.request<Page>({
    ...requestOf(collection, signal),
    query: { ...selectorsOf(collection), limit: 1 },
  });
  if (!answer.ok) return answer;
  const version = answer.body.metadata?.resourceVersion;
  if (version !== undefined) return { ok: true, version };
  return { ok: false, status: answer.status, reason: 'Garbled', message: `${collection.path} answered no list` };
}

export function selectorsOf({ labelSelector, fieldSelector }: Collection): NonNullable<KubeRequest['query']> {
  return { labelSelector, fieldSelector };
}

export function requestOf(
  { path, metadataOnly, impersonate }: Collection,
  signal: AbortSignal | undefined,
  verb: 'list' | 'watch' = 'list',
): KubeRequest {
  const kind = verb === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return {
    path,
    ...(metadataOnly === true ? { accept: `application/json;as=${kind};g=meta.k8s.io;v=v1` } : {}),
    ...(impersonate === undefined ? {} : { impersonate }),
    ...(signal === undefined ? {} : { signal }),
  };
}
