/** Tells a runtime which namespaces of its store are gone: their UIDs are compared with one list of all there are. */
import type { Answer } from '../../link/exchange.ts';
import { resourcePath } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { KubeObject } from '../kube-object.ts';
import { listPages } from '../list-pages.ts';

export interface GoneNamespacesOptions {
  readonly client: KubeClient;
  /** The installation's own: a list without it is none. */
  readonly namespace: string;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Many runtimes ask, and one that was taken over may ask all the time. */
const keptMs = 30_000;
const mostAsked = 10_000;

export function createGoneNamespaces(options: GoneNamespacesOptions): (body: unknown) => Promise<Answer> {
  let last: { readonly at: number; readonly uids: Promise<ReadonlySet<string> | string> } | undefined;

  function present(): Promise<ReadonlySet<string> | string> {
    if (last === undefined || options.now() - last.at >= keptMs) {
      const uids = listUids(options);
      const own = { at: options.now(), uids };
      last = own;
      // A failure is not kept: the API server may be back.
      void uids.then((found) => {
        if (typeof found === 'string' && last === own) last = undefined;
      });
    }
    return last.uids;
  }

  return async (body) => {
    const { uids } = (body ?? {}) as Readonly<Record<string, unknown>>;
    if (!Array.isArray(uids) || uids.length > mostAsked || !uids.every((uid) => typeof uid === 'string')) {
      return { ok: false, code: 'Refused', message: `uids is a list of at most ${mostAsked} texts` };
    }
    const found = await present();
    if (typeof found === 'string') return { ok: false, code: 'Failed', message: found };
    return { ok: true, body: { gone: uids.filter((uid) => !found.has(uid)) } };
  };
}

/** Every UID there is, or why that is not known. */
async function listUids({ client, namespace }: GoneNamespacesOptions): Promise<ReadonlySet<string> | string> {
  const path = resourcePath({ apiVersion: 'v1', resource: 'namespaces' });
  const list = await listPages<KubeObject>(
    client,
    // A namespace may carry much.
    { path, metadataOnly: true },
    { keep: ({ metadata }) => ({ metadata }) },
  );
  if (!list.ok) return `the namespaces could not be listed: ${list.message}`;
  if (![...list.objects.values()].some(({ metadata }) => metadata.name === namespace)) {
    return `the list of namespaces lacks ${namespace}`;
  }
  return new Set(list.objects.keys());
}
