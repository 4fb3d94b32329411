/** Follows functions and subscriptions of all namespaces: what is news goes to the build, and all of it to the statuses. */
import type { Logger } from '../telemetry/logger.ts';
import type { AdmittedResources } from './admitted-resources.ts';
import type { Clock } from './clock.ts';
import { countWatch, type CountedWatch } from './counted-watch.ts';
import { resourcePath } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import { startReflector, type Reflector, type ReflectorTiming } from './reflector.ts';
import type { StatusWriter } from './status-writer.ts';
import type { TableLoop } from './table-loop.ts';
import type { ProgrammingTimes } from './time-programming.ts';
import { asksForRefresh, keepResource, type ResourceKind, type WatchedObject } from './watched-resources.ts';

export interface FollowedResource {
  readonly reflector: Reflector<WatchedObject>;
  readonly counted: CountedWatch;
}

const kinds: readonly (readonly [ResourceKind, string])[] = [
  ['WebhookFunction', 'webhookfunctions'],
  ['WebhookSubscription', 'webhooksubscriptions'],
];

/** Starts at once. */
export function followResources(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing: ReflectorTiming | undefined;
  readonly resources: AdmittedResources;
  readonly times: ProgrammingTimes;
  readonly loop: Pick<TableLoop, 'touch'>;
  readonly status: Pick<StatusWriter, 'touch'>;
  /** Reads what it refers to again. */
  refresh(uid: string): void;
}): readonly FollowedResource[] {
  const { client, clock, log, timing, resources, times, loop, status, refresh } = options;
  return kinds.map(([kind, resource]) => {
    const counted = countWatch(resource, log);
    const reflector = startReflector<WatchedObject>({
      client,
      clock,
      collection: { path: resourcePath({ apiVersion: 'moonhook.dev/v1alpha1', resource }) },
      keep: keepResource,
      ...(timing === undefined ? {} : { timing }),
      listener: {
        ...counted.report,
        onChanges: (changes, arrivedAt) => {
          // A status that was written, ours before all, is no reason to build anything.
          let moved = false;
          for (const change of changes) {
            const { object } = change;
            const { uid } = object.metadata;
            if (change.kind === 'delete') {
              moved = true;
              resources.delete(uid);
              times.forget(uid);
              continue;
            }
            if (resources.set(kind, object)) {
              moved = true;
              times.arrived(uid, arrivedAt);
            }
            if (asksForRefresh(change.previous?.status, object.status)) refresh(uid);
          }
          if (moved) loop.touch();
          // Somebody may have written the status.
          status.touch(changes.map(({ object }) => object.metadata.uid));
        },
        onSynced: () => loop.touch(),
      },
    });
    return { reflector, counted };
  });
}
