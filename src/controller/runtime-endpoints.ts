/** The runtimes that take traffic: Ready endpoints of the Services of all groups, as EndpointSlices list them. */
import { isDeepStrictEqual } from 'node:util';
import { compareTexts } from '../function/compare-texts.ts';
import type { RuntimeGroups } from '../policy/runtime-groups.ts';
import type { Clock } from './clock.ts';
import { groupsByService } from './group-names.ts';
import { resourcePath } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';
import { startReflector, type Reflector, type ReflectorListener } from './reflector.ts';
import type { RuntimeEndpoint, RuntimeEndpoints } from './types.ts';

interface EndpointSlice extends KubeObject {
  /** Null where no pod of the Service has an address yet, or any more. */
  readonly endpoints?:
    | readonly {
        readonly conditions?: { readonly ready?: boolean };
        readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
      }[]
    | null;
}

export interface WatchedEndpoints extends RuntimeEndpoints {
  readonly reflector: Reflector<EndpointSlice>;
}

export function watchRuntimeEndpoints(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  /** Service of the default group. */
  readonly service: string;
  /** The same object until it changes. */
  groups(): RuntimeGroups | undefined;
  readonly report: Pick<ReflectorListener<KubeObject>, 'onRestart' | 'onDrift' | 'onFailure' | 'onFault'>;
}): WatchedEndpoints {
  const { client, clock, namespace, service, report } = options;
  const listeners = new Set<() => void>();
  let known: { readonly groups: RuntimeGroups | undefined; readonly ready: readonly RuntimeEndpoint[] } | undefined;
  /** What the listeners have heard of. */
  let told: readonly RuntimeEndpoint[] | undefined;

  function current(): readonly RuntimeEndpoint[] | undefined {
    if (!reflector.synced) return undefined;
    const groups = options.groups();
    if (known === undefined || known.groups !== groups) {
      known = { groups, ready: readyEndpoints(reflector.objects.values(), groupsByService(service, groups)) };
    }
    return known.ready;
  }

  function changed(): void {
    if (!reflector.synced) return;
    known = undefined;
    const ready = current();
    // The other Services of the installation are none of the runtimes'.
    if (isDeepStrictEqual(told, ready)) return;
    told = ready;
    for (const listener of listeners) listener();
  }

  const reflector = startReflector<EndpointSlice>({
    client,
    clock,
    // Of every Service: groups come and go with the policy.
    collection: { path: resourcePath({ apiVersion: 'discovery.k8s.io/v1', resource: 'endpointslices', namespace }) },
    keep: (object) => object,
    listener: { ...report, onChanges: changed, onSynced: changed },
  });
  return {
    reflector,
    current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** By the name of the pod; a pod may stand in several slices. */
function readyEndpoints(
  slices: Iterable<EndpointSlice>,
  services: ReadonlyMap<string, string>,
): readonly RuntimeEndpoint[] {
  const byUid = new Map<string, RuntimeEndpoint>();
  for (const { metadata, endpoints } of slices) {
    const group = services.get(metadata.labels?.['kubernetes.io/service-name'] ?? '');
    if (group === undefined) continue;
    for (const { conditions, targetRef } of endpoints ?? []) {
      // Absent means ready (EndpointConditions of discovery.k8s.io/v1).
      if (conditions?.ready === false || targetRef?.kind !== 'Pod') continue;
      const { name: pod, uid: podUid } = targetRef;
      if (pod !== undefined && podUid !== undefined) byUid.set(podUid, { group, pod, podUid });
    }
  }
  return [...byUid.values()].sort((a, b) => compareTexts(a.pod, b.pod));
}
