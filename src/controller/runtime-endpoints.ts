/** The runtimes that take traffic: Ready endpoints of their Service, as EndpointSlices list them. */
import type { Clock } from './clock.ts';
import { resourcePath } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';
import { startReflector, type Reflector, type ReflectorListener } from './reflector.ts';
import type { RuntimeEndpoint, RuntimeEndpoints } from './types.ts';

interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly {
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
  }[];
}

export interface WatchedEndpoints extends RuntimeEndpoints {
  readonly reflector: Reflector<EndpointSlice>;
}

export function watchRuntimeEndpoints(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  /** Name of the Service. */
  readonly service: string;
  readonly report: Pick<ReflectorListener<KubeObject>, 'onRestart' | 'onDrift' | 'onFailure' | 'onFault'>;
}): WatchedEndpoints {
  const { client, clock, namespace, service, report } = options;
  const listeners = new Set<() => void>();
  let current: readonly RuntimeEndpoint[] | undefined;

  function changed(): void {
    if (!reflector.synced) return;
    current = readyEndpoints(reflector.objects.values());
    for (const listener of listeners) listener();
  }

  const reflector = startReflector<EndpointSlice>({
    client,
    clock,
    collection: {
      path: resourcePath({ apiVersion: 'discovery.k8s.io/v1', resource: 'endpointslices', namespace }),
      labelSelector: `kubernetes.io/service-name=${service}`,
    },
    keep: (object) => object,
    listener: { ...report, onChanges: changed, onSynced: changed },
  });
  return {
    reflector,
    current: () => current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** By the name of the pod; a pod may stand in several slices. */
function readyEndpoints(slices: Iterable<EndpointSlice>): readonly RuntimeEndpoint[] {
  const byUid = new Map<string, RuntimeEndpoint>();
  for (const { endpoints = [] } of slices) {
    for (const { conditions, targetRef } of endpoints) {
      // Absent means ready (EndpointConditions of discovery.k8s.io/v1).
      if (conditions?.ready === false || targetRef?.kind !== 'Pod') continue;
      const { name: pod, uid: podUid } = targetRef;
      if (pod !== undefined && podUid !== undefined) byUid.set(podUid, { pod, podUid });
    }
  }
  return [...byUid.values()].sort((a, b) => (a.pod < b.pod ? -1 : 1));
}
