/**
 * The uid of the namespace an object stands in: the border of everything it stores. A namespace can be deleted and made
 * again under the same name, so the answer counts for an object only if it was asked for after the object was seen.
 */
import { createBackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import { resourcePath, wholeObject } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';

export interface NamespaceUids {
  /** Undefined: not known yet; `onKnown` follows. An object keeps the answer it got. */
  uidFor(objectUid: string, namespace: string): string | undefined;
  forget(objectUid: string): void;
  /** Objects that wait. */
  readonly waiting: number;
}

export interface NamespaceUidsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  onKnown(): void;
  onFailure(namespace: string, message: string): void;
}

const backOffTiming = { leastMs: 200, mostMs: 30_000 };
const atOnce = 32;

export function createNamespaceUids(options: NamespaceUidsOptions): NamespaceUids {
  const { client, clock, signal, onKnown, onFailure } = options;
  const known = new Map<string, string>();
  /** Objects that wait for a question that has not been sent, by namespace. */
  const unasked = new Map<string, Set<string>>();
  const asked = new Map<string, Set<string>>();
  let waiting = 0;

  function ask(): void {
    for (const [namespace, objects] of unasked) {
      if (asked.size >= atOnce) return;
      // One question at a time: who comes meanwhile is part of the next.
      if (asked.has(namespace)) continue;
      unasked.delete(namespace);
      asked.set(namespace, objects);
      void find(namespace, objects);
    }
  }

  async function find(namespace: string, objects: ReadonlySet<string>): Promise<void> {
    const backOff = createBackOff(backOffTiming, clock.random);
    const path = resourcePath({ apiVersion: 'v1', resource: 'namespaces', name: namespace });
    while (!signal.aborted) {
      const answer = wholeObject(await client.request<KubeObject>({ path, timeoutMs: 10_000, signal }));
      if (answer.ok || answer.status === 404) {
        // Gone: its objects are on their way out, too.
        if (answer.ok) for (const object of objects) known.set(object, answer.body.metadata.uid);
        break;
      }
      if (signal.aborted) return;
      onFailure(namespace, answer.message);
      await clock.sleep(backOff.next(answer.retryAfterMs), signal);
    }
    waiting -= objects.size;
    asked.delete(namespace);
    ask();
    if (!signal.aborted) onKnown();
  }

  return {
    get waiting() {
      return waiting;
    },
    uidFor: (objectUid, namespace) => {
      const uid = known.get(objectUid);
      if (uid !== undefined || asked.get(namespace)?.has(objectUid) === true) return uid;
      const objects = unasked.get(namespace) ?? new Set();
      if (!objects.has(objectUid)) waiting += 1;
      unasked.set(namespace, objects.add(objectUid));
      ask();
      return undefined;
    },
    forget: (objectUid) => void known.delete(objectUid),
  };
}
