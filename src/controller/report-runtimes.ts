/** What every runtime that takes traffic says of one function: the input of its conditions, and when to look at them. */
import type { RuntimeReport } from '../routing/conditions.ts';
import type { FunctionVerdict } from '../routing/types.ts';
import { defaultGroup } from '../policy/runtime-groups.ts';
import type { LinkedRuntime, RuntimeEndpoint, RuntimesChange } from './types.ts';

/** A runtime without traffic is not asked about; one with traffic and without a link is heard of as such. */
export function reportRuntimes(
  { uid, group = defaultGroup }: Pick<FunctionVerdict, 'uid' | 'group'>,
  endpoints: readonly RuntimeEndpoint[],
  linked: readonly LinkedRuntime[],
): readonly RuntimeReport[] {
  const own = endpoints.filter((endpoint) => endpoint.group === group);
  return own.map(({ pod, podUid }) => {
    const link = linked.find((runtime) => runtime.podUid === podUid);
    const acknowledgement = link?.acknowledgements.get(uid);
    return {
      runtime: pod,
      connected: link?.connected ?? false,
      ...(acknowledgement === undefined ? {} : { acknowledgement }),
    };
  });
}

/**
 * Whether a change among the runtimes may be news of a status. A runtime that joins says of everything that it holds it, and
 * takes no traffic yet: what it refuses is looked at when it does (`refusedByNew`).
 */
export function isHeeded(change: RuntimesChange, endpoints: readonly Pick<RuntimeEndpoint, 'podUid'>[]): boolean {
  if (change.kind !== 'acknowledged' || change.by === undefined) return true;
  return endpoints.some(({ podUid }) => podUid === change.by);
}

/** What is refused by runtimes that take traffic now and did not before. */
export function refusedByNew(
  before: readonly Pick<RuntimeEndpoint, 'podUid'>[],
  now: readonly Pick<RuntimeEndpoint, 'podUid'>[],
  linked: readonly Pick<LinkedRuntime, 'podUid' | 'acknowledgements'>[],
): readonly string[] {
  const old = new Set(before.map(({ podUid }) => podUid));
  const added = new Set(now.map(({ podUid }) => podUid).filter((podUid) => !old.has(podUid)));
  return linked
    .filter(({ podUid }) => added.has(podUid))
    .flatMap(({ acknowledgements }) => [...acknowledgements.values()].filter(({ accepted }) => !accepted))
    .map(({ uid }) => uid);
}
