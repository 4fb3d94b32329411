/**
 * Writes statuses: only as leader, only what is news, a few at a time, again after a failure until it is true. What is to be
 * said is thought about in turns of its own: an edit is on its way to the runtimes before.
 */
import { createBackOff, type BackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import { decideStatus } from './decide-status.ts';
import { FairOrder } from './fair-order.ts';
import { resourcePath } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';
import type { Leadership } from './types.ts';
import type { ResourceKind, ResourceStatus, WatchedObject } from './watched-resources.ts';

export interface StatusWriter {
  /** Something about these may be different now. */
  touch(uids: Iterable<string>): void;
  readonly waiting: number;
  readonly writes: number;
  readonly failures: number;
}

export interface StatusWriterOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly leadership: Leadership;
  /** Calls back in a later turn of the loop. */
  soon(callback: () => void): void;
  /** Undefined: gone. */
  object(uid: string): { readonly kind: ResourceKind; readonly object: WatchedObject } | undefined;
  /** Undefined: nothing can be said yet. */
  desired(uid: string, current: ResourceStatus | undefined): ResourceStatus | undefined;
  onWritten(kind: ResourceKind, object: WatchedObject, before: ResourceStatus | undefined): void;
  onFailure(message: string): void;
}

interface Item {
  /** By the clock; undefined: nothing to do. */
  dueAt: number | undefined;
  busy: boolean;
  touched: boolean;
  backOff: BackOff | undefined;
  /** What the API server answered to our last write, until the watch brings it. */
  written: WatchedObject | undefined;
}

const fieldManager = 'moonhook-controller';
const delays = { now: 0, soon: 1_000, eventually: 60_000 };
const atOnce = 16;
const tickMs = 50;
/** As the API server says that the object of that uid is gone. */
const anotherOne = /uid mismatch|UID in precondition/i;
/** What somebody else has written is known by then. */
const conflictMs = 200;
/** Others get their turn after so long. */
const turnMs = 4;
const retryTiming = { leastMs: 500, mostMs: 30_000 };
const resources: Readonly<Record<ResourceKind, string>> = {
  WebhookFunction: 'webhookfunctions',
  WebhookSubscription: 'webhooksubscriptions',
};

export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { client, clock, signal, leadership, desired, onWritten, onFailure } = options;
  const items = new Map<string, Item>();
  /** Touched, and not looked at since. */
  const touched = new Set<string>();
  let looking = false;
  /** Due now. */
  const ready = new FairOrder();
  /** Due at some time. */
  const later = new Set<string>();
  let busy = 0;
  let writes = 0;
  let failures = 0;

  function currentOf(item: Item, object: WatchedObject): WatchedObject {
    const { written } = item;
    if (written === undefined) return object;
    if (isNewer(object, written)) {
      item.written = undefined;
      return object;
    }
    return written;
  }

  function look(uid: string): void {
    const known = options.object(uid);
    if (known === undefined) {
      items.delete(uid);
      return;
    }
    const item = items.get(uid) ?? {
      dueAt: undefined,
      busy: false,
      touched: false,
      backOff: undefined,
      written: undefined,
    };
    items.set(uid, item);
    if (item.busy) {
      item.touched = true;
      return;
    }
    const current = currentOf(item, known.object).status;
    const status = desired(uid, current);
    const decision = status === undefined ? 'keep' : decideStatus(current, status);
    if (decision === 'keep') {
      item.dueAt = undefined;
      if (item.written === undefined) items.delete(uid);
      return;
    }
    // It failed and waits: being touched makes it no more likely to go well.
    if (item.backOff !== undefined && item.dueAt !== undefined) return;
    const delay = delays[decision];
    // What waits already does not wait longer because it was touched again; what is urgent now waits no more.
    item.dueAt = Math.min(item.dueAt ?? Infinity, clock.now() + delay);
    if (delay === 0) ready.add(uid);
    else later.add(uid);
  }

  function lookOn(): void {
    const began = clock.now();
    for (const uid of touched) {
      touched.delete(uid);
      look(uid);
      if (clock.now() - began >= turnMs) break;
    }
    looking = touched.size > 0;
    if (looking) options.soon(lookOn);
    start();
  }

  function start(): void {
    while (busy < atOnce) {
      const uid = ready.take();
      if (uid === undefined) return;
      const item = items.get(uid);
      if (item === undefined || item.busy || item.dueAt === undefined || item.dueAt > clock.now()) continue;
      void write(uid, item);
    }
  }

  async function write(uid: string, item: Item): Promise<void> {
    const known = options.object(uid);
    if (known === undefined || !leadership.leading) return;
    const object = currentOf(item, known.object);
    const status = desired(uid, object.status);
    item.dueAt = undefined;
    if (status === undefined || decideStatus(object.status, status) === 'keep') return;
    item.busy = true;
    item.touched = false;
    busy += 1;
    const { name, namespace, resourceVersion } = object.metadata;
    const answer = await client.request<KubeObject>({
      method: 'PATCH',
      path: resourcePath({
        apiVersion: 'moonhook.dev/v1alpha1',
        resource: resources[known.kind],
        namespace,
        name,
        subresource: 'status',
      }),
      query: { fieldManager, force: true },
      contentType: 'application/apply-patch+yaml',
      body: {
        apiVersion: 'moonhook.dev/v1alpha1',
        kind: known.kind,
        // An object made again under that name is another one, and what was written since was not known here: by somebody
        // who leads by now, perhaps. The API server refuses both.
        metadata: { name, namespace, uid, resourceVersion },
        status,
      },
      signal,
    });
    busy -= 1;
    item.busy = false;
    if (signal.aborted) return;
    if (answer.ok) {
      writes += 1;
      item.backOff = undefined;
      const written: WatchedObject = answer.body;
      item.written = written;
      onWritten(known.kind, written, object.status);
      if (item.touched) look(uid);
    } else if (answer.status === 404 || (answer.status === 409 && anotherOne.test(answer.message))) {
      items.delete(uid);
    } else if (answer.status === 409) {
      // The watch brings what it is now.
      item.dueAt = clock.now() + conflictMs;
      later.add(uid);
    } else {
      failures += 1;
      onFailure(`${known.kind} ${namespace ?? ''}/${name}: ${answer.message}`);
      item.backOff ??= createBackOff(retryTiming, clock.random);
      item.dueAt = clock.now() + item.backOff.next(answer.retryAfterMs);
      later.add(uid);
    }
    start();
  }

  async function tick(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(tickMs, signal);
      if (!leadership.leading) continue;
      const now = clock.now();
      for (const uid of later) {
        const dueAt = items.get(uid)?.dueAt;
        if (dueAt !== undefined && dueAt > now) continue;
        later.delete(uid);
        if (dueAt !== undefined) ready.add(uid);
      }
      start();
    }
  }
  void tick();

  return {
    get waiting() {
      return items.size + touched.size;
    },
    get writes() {
      return writes;
    },
    get failures() {
      return failures;
    },
    touch: (uids) => {
      // Whoever leads next looks at everything anew.
      if (!leadership.leading) return;
      for (const uid of uids) touched.add(uid);
      if (looking || touched.size === 0) return;
      looking = true;
      options.soon(lookOn);
    },
  };
}

function isNewer(a: KubeObject, b: KubeObject): boolean {
  const [left, right] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  return a.metadata.uid !== b.metadata.uid || BigInt(left) >= BigInt(right);
}
