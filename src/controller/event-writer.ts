/** Writes Kubernetes Events, at a bounded rate: they tell of changes, the conditions are the truth. */
import type { Clock } from './clock.ts';
import { resourcePath } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';
import type { Transition } from './transition-events.ts';

export interface EventWriter {
  /** Does not wait for the API server. */
  write(kind: string, object: KubeObject, transition: Transition): void;
  /** Events that were not written: too many at once, or refused. */
  readonly dropped: number;
}

const burst = 100;
const perSecond = 10;
const reportingController = 'moonhook.dev/controller';

export function createEventWriter(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Of this replica. */
  readonly identity: string;
  uniqueId(): string;
  onFailure(message: string): void;
}): EventWriter {
  const { client, clock, identity, uniqueId, onFailure } = options;
  let allowance = burst;
  let refilledAt = clock.now();
  let dropped = 0;

  async function send(kind: string, object: KubeObject, { type, reason, message }: Transition): Promise<void> {
    const { name, namespace = 'default', uid, resourceVersion } = object.metadata;
    const answer = await client.request({
      method: 'POST',
      path: resourcePath({ apiVersion: 'events.k8s.io/v1', resource: 'events', namespace }),
      body: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: `${name.slice(0, 200)}.${uniqueId()}`, namespace },
        eventTime: new Date(clock.wallNow()).toISOString().replace('Z', '000Z'),
        type,
        reason,
        note: message,
        action: 'Reconcile',
        regarding: { apiVersion: 'moonhook.dev/v1alpha1', kind, name, namespace, uid, resourceVersion },
        reportingController,
        reportingInstance: identity,
      },
    });
    if (answer.ok) return;
    dropped += 1;
    onFailure(answer.message);
  }

  return {
    get dropped() {
      return dropped;
    },
    write: (kind, object, transition) => {
      const now = clock.now();
      allowance = Math.min(burst, allowance + ((now - refilledAt) / 1000) * perSecond);
      refilledAt = now;
      if (allowance < 1) {
        dropped += 1;
        return;
      }
      allowance -= 1;
      void send(kind, object, transition);
    },
  };
}
