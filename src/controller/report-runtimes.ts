/** What every runtime that takes traffic says of one function: the input of its conditions. */
import type { RuntimeReport } from '../routing/conditions.ts';
import type { FunctionVerdict } from '../routing/types.ts';
import { defaultGroup } from '../policy/runtime-groups.ts';
import type { LinkedRuntime, RuntimeEndpoint } from './types.ts';

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
