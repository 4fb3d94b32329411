/**
 * Leader election over a Lease, as client-go does it: who holds it renews it, who wants it waits until it was not renewed
 * for its duration by their own clock. The number of changes is the fencing epoch.
 */
import type { Clock } from './clock.ts';
import { resourcePath, type KubeAnswer, wholeObject } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';
import type { Leadership } from './types.ts';

export interface LeaseTiming {
  readonly leaseMs: number;
  /** A leader that could not renew for so long gives up. */
  readonly renewMs: number;
  readonly retryMs: number;
}

export const leaseTiming: LeaseTiming = { leaseMs: 15_000, renewMs: 10_000, retryMs: 2_000 };

interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export interface LeaderElection extends Leadership {
  /** Gives the lease back, so that another leads at once. */
  stop(): Promise<void>;
}

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  /** Of this process: differs after a restart. */
  readonly identity: string;
  readonly timing?: LeaseTiming;
  onFailure(message: string): void;
}

export function startLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { client, clock, namespace, name, identity, onFailure, timing = leaseTiming } = options;
  const parts = { apiVersion: 'coordination.k8s.io/v1', resource: 'leases', namespace };
  const stopping = new AbortController();
  const listeners = new Set<() => void>();
  const timeoutMs = Math.ceil(timing.renewMs / 2);
  let leading = false;
  let epoch = 0;
  let highestEpoch = 0;
  /** When our last renewal was sent, by the clock. */
  let renewedAt = 0;
  /** The lease as others last changed it, and when we saw that. */
  let observed: { readonly version: string; readonly at: number } | undefined;

  function become(leads: boolean): void {
    if (leading === leads) return;
    leading = leads;
    for (const listener of listeners) listener();
  }

  async function attempt(): Promise<void> {
    const startedAt = clock.now();
    const read = wholeObject(await client.request<Lease>({ path: resourcePath({ ...parts, name }), timeoutMs }));
    if (!read.ok && read.status !== 404) return onFailure(read.message);
    const lease = read.ok ? read.body : undefined;
    if (lease !== undefined && observed?.version !== lease.metadata.resourceVersion) {
      observed = { version: lease.metadata.resourceVersion, at: clock.now() };
    }
    highestEpoch = Math.max(highestEpoch, (lease?.spec?.leaseTransitions ?? -1) + 1);
    const holder = lease?.spec?.holderIdentity ?? '';
    const ours = holder === identity;
    if (!ours) {
      become(false);
      const heldMs = (lease?.spec?.leaseDurationSeconds ?? 0) * 1000;
      if (holder !== '' && clock.now() - (observed?.at ?? 0) < heldMs) return undefined;
    }
    const written = wholeObject(await write(lease, ours));
    if (stopping.signal.aborted) return undefined;
    if (!written.ok) {
      // Somebody else was faster; that is no failure.
      if (written.status !== 409) onFailure(written.message);
      return undefined;
    }
    observed = { version: written.body.metadata.resourceVersion, at: clock.now() };
    epoch = (written.body.spec?.leaseTransitions ?? 0) + 1;
    highestEpoch = Math.max(highestEpoch, epoch);
    renewedAt = startedAt;
    become(true);
    return undefined;
  }

  function write(lease: Lease | undefined, ours: boolean): Promise<KubeAnswer<Lease>> {
    const now = new Date(clock.wallNow()).toISOString().replace('Z', '000Z');
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(timing.leaseMs / 1000),
      acquireTime: ours ? (lease?.spec?.acquireTime ?? now) : now,
      renewTime: now,
      // One that was deleted does not make epochs go back, as long as anybody remembers.
      leaseTransitions: ours
        ? (lease?.spec?.leaseTransitions ?? 0)
        : Math.max(highestEpoch, lease === undefined ? 0 : 1),
    };
    const base = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', spec };
    if (lease === undefined) {
      const body = { ...base, metadata: { name, namespace } };
      return client.request({ method: 'POST', path: resourcePath(parts), body, timeoutMs });
    }
    const metadata = { name, namespace, resourceVersion: lease.metadata.resourceVersion };
    const path = resourcePath({ ...parts, name });
    return client.request({ method: 'PUT', path, body: { ...base, metadata }, timeoutMs });
  }

  /** What we hold, we hold for the lease's duration after the renewal was sent; we give up before that is over. */
  async function guard(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (leading && clock.now() - renewedAt >= timing.renewMs) {
        onFailure(`the lease ${namespace}/${name} could not be renewed for ${timing.renewMs} ms: no longer leading`);
        become(false);
      }
      const left = leading ? Math.max(50, timing.renewMs - (clock.now() - renewedAt)) : timing.retryMs / 2;
      await clock.sleep(left, stopping.signal);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await attempt();
      await clock.sleep(timing.retryMs * (1 + 0.2 * clock.random()), stopping.signal);
    }
  }

  const guarding = guard();
  const running = run();
  return {
    get leading() {
      // A process that was stopped and goes on must not write before the guard has run.
      return leading && clock.now() - renewedAt < timing.renewMs;
    },
    get epoch() {
      return epoch;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([running, guarding]);
      const held = leading;
      become(false);
      if (!held) return;
      const read = wholeObject(await client.request<Lease>({ path: resourcePath({ ...parts, name }), timeoutMs }));
      if (!read.ok || read.body.spec?.holderIdentity !== identity) return;
      const { metadata, spec } = read.body;
      // As client-go releases it: an empty holder, and a duration that is over at once.
      const body = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace, resourceVersion: metadata.resourceVersion },
        spec: { ...spec, holderIdentity: '', leaseDurationSeconds: 1 },
      };
      const released = await client.request({ method: 'PUT', path: resourcePath({ ...parts, name }), body, timeoutMs });
      if (!released.ok) onFailure(`the lease could not be released: ${released.message}`);
    },
  };
}
