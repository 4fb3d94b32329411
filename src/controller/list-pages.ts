/** A whole list of a collection, page by page: it counts only if every page came. */
import type { KubeClient } from './kube-client.ts';
import type { KubeAnswer, KubeFailure, KubeRequest } from './kube-answer.ts';
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

/** As it came: nothing of it is known to be so. */
interface Answered {
  readonly kind?: unknown;
  readonly metadata?: { readonly resourceVersion?: unknown; readonly continue?: unknown } | null;
  readonly items?: unknown;
}

interface Page {
  readonly ok: true;
  readonly version: string;
  readonly items: readonly KubeObject[];
  /** Of the next page; undefined: there is none. */
  readonly token: string | undefined;
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
    const answer = await client.request<Answered>({
      ...requestOf(collection, signal),
      query: {
        ...selectorsOf(collection),
        limit: pageSize,
        continue: token,
        ...(first && exactly !== undefined ? { resourceVersion: exactly, resourceVersionMatch: 'Exact' } : {}),
      },
    });
    const page = pageOf(answer, collection);
    if (!page.ok) return page;
    for (const object of page.items) objects.set(object.metadata.uid, keep(object));
    ({ token } = page);
    if (token === undefined) return { ok: true, version: page.version, objects };
  }
}

/** The version the collection stands at now, for one object's worth of work. */
export async function currentVersion(
  client: KubeClient,
  collection: Collection,
  signal?: AbortSignal,
): Promise<{ readonly ok: true; readonly version: string } | KubeFailure> {
  const answer = await client.request<Answered>({
    ...requestOf(collection, signal),
    query: { ...selectorsOf(collection), limit: 1 },
  });
  return pageOf(answer, collection);
}

/**
 * A list says what kind of list it is, and of what version. Only with both are no items an empty collection, whether they
 * are written as `[]` or as `null`, which is what servers in Go write for a list that was never filled: anything else was
 * said by somebody before the API server, and taking it would end all that is served.
 */
function pageOf(answer: KubeAnswer<Answered>, { path }: Collection): Page | KubeFailure {
  if (!answer.ok) return answer;
  const { kind, metadata, items } = answer.body;
  const version = metadata?.resourceVersion;
  const token = metadata?.continue ?? '';
  const whole = items === null && isListKind(kind) ? [] : items;
  if (
    isNamed(kind) &&
    kind !== 'Status' &&
    isNamed(version) &&
    typeof token === 'string' &&
    Array.isArray(whole) &&
    whole.every(isKubeObject)
  ) {
    return { ok: true, version, items: whole, token: token === '' ? undefined : token };
  }
  return { ok: false, status: answer.status, reason: 'Garbled', message: `${path} answered no list` };
}

function isNamed(text: unknown): text is string {
  return typeof text === 'string' && text !== '';
}

/** A definition may call its list something else (`listKind`), but nothing writes `null` for the items of those. */
function isListKind(kind: unknown): boolean {
  return typeof kind === 'string' && kind.endsWith('List');
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
