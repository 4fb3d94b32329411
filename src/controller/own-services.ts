/**
 * Addresses of Services for policies that open those of the own namespace: watched while a policy asks for them, and leased
 * to runtimes. Only Services with a selector count: what stands behind others is written by hand.
 */
import { createHash } from 'node:crypto';
import { compareTexts } from '../function/compare-texts.ts';
import type { LeasedServices } from '../link/service-lease.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { Clock } from './clock.ts';
import { resourcePath } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';
import { opensServices } from '../policy/namespace-egress.ts';
import {
  reflectorTiming,
  startReflector,
  type Reflector,
  type ReflectorListener,
  type ReflectorTiming,
} from './reflector.ts';

export interface OwnServices {
  /** Watches while the policy asks for it, and no longer. */
  follow(policy: InstallationPolicy): void;
  /** Resolves when all of them are known, or none are wanted. */
  known(policy: InstallationPolicy): Promise<void>;
  /** What the API server had moments ago; undefined: it is not certain any more. */
  current(policy: InstallationPolicy): LeasedServices | undefined;
  stop(): Promise<void>;
}

export interface OwnServicesOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Whose Services nobody reaches: those of the cluster itself and of this installation. */
  readonly closed: ReadonlySet<string>;
  readonly timing?: ReflectorTiming;
  readonly report: Pick<ReflectorListener<KubeObject>, 'onRestart' | 'onDrift' | 'onFailure' | 'onFault'>;
}

/** What is kept of a Service. */
interface KeptService extends KubeObject {
  readonly addresses: readonly string[];
}

interface Service extends KubeObject {
  readonly spec?: {
    readonly type?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
  };
}

/** A watch that is opened anew so often is found dead soon: an address may belong to somebody else by then. */
const servicesTiming: ReflectorTiming = {
  ...reflectorTiming,
  backOff: { leastMs: 400, mostMs: 2_000 },
  goodMs: 5_000,
  watchMs: { least: 8_000, most: 10_000 },
  stallMs: { least: 14_000, most: 15_000 },
};
/** Longer than an API server takes to start again, which changes no Service meanwhile. */
const certainMs = 30_000;

export function createOwnServices(options: OwnServicesOptions): OwnServices {
  const { client, clock, closed, timing = servicesTiming, report } = options;
  let reflector: Reflector<KeptService> | undefined;
  let stopped: Promise<void> = Promise.resolve();
  let services: LeasedServices | undefined;
  let tellSynced = (): void => undefined;
  let synced: Promise<void> = Promise.resolve();

  function start(): Reflector<KeptService> {
    if (reflector !== undefined) return reflector;
    synced = new Promise((resolve) => (tellSynced = resolve));
    services = undefined;
    return (reflector = startReflector<KeptService>({
      client,
      clock,
      collection: { path: resourcePath({ apiVersion: 'v1', resource: 'services' }) },
      timing,
      keep: keepService,
      listener: {
        ...report,
        onChanges: () => void (services = undefined),
        onSynced: () => tellSynced(),
      },
    }));
  }

  return {
    follow(policy) {
      if (opensServices(policy)) {
        start();
        return;
      }
      // Nobody reads Services of a cluster whose policy does not ask for them.
      stopped = Promise.all([stopped, reflector?.stop()]).then(() => undefined);
      reflector = undefined;
    },
    async known(policy) {
      if (!opensServices(policy)) return;
      start();
      await synced;
    },
    current(policy) {
      if (!opensServices(policy)) return noServices;
      const { objects, synced: whole, lastHeardAt } = start();
      if (!whole || lastHeardAt === undefined || clock.now() - lastHeardAt > certainMs) return undefined;
      return (services ??= gather(objects.values(), closed));
    },
    async stop() {
      await Promise.all([stopped, reflector?.stop()]);
    },
  };
}

function keepService(object: KubeObject): KeptService {
  const { metadata, spec = {} } = object as Service;
  const { name, namespace = '', uid, resourceVersion, deletionTimestamp } = metadata;
  const { type = 'ClusterIP', selector = {}, clusterIP = '', clusterIPs = [clusterIP] } = spec;
  const reachable =
    type !== 'ExternalName' && Object.keys(selector).length > 0 && deletionTimestamp === undefined ? clusterIPs : [];
  return {
    metadata: { name, namespace, uid, resourceVersion },
    // A headless one has no address of its own, only those of its pods.
    addresses: reachable.filter((address) => address !== '' && address !== 'None'),
  };
}

function gather(kept: Iterable<KeptService>, closed: ReadonlySet<string>): LeasedServices {
  const byNamespace = new Map<string, string[]>();
  for (const { metadata, addresses } of kept) {
    const { namespace = '' } = metadata;
    if (closed.has(namespace) || addresses.length === 0) continue;
    const known = byNamespace.get(namespace);
    if (known === undefined) byNamespace.set(namespace, [...addresses]);
    else known.push(...addresses);
  }
  // In one order, so that every replica has the same digest of the same Services.
  const sorted = [...byNamespace].toSorted(([one], [other]) => compareTexts(one, other));
  return servicesOf(Object.fromEntries(sorted.map(([name, addresses]) => [name, addresses.toSorted()])));
}

function servicesOf(services: LeasedServices['services']): LeasedServices {
  return { services, digest: createHash('sha256').update(JSON.stringify(services)).digest('base64url') };
}

const noServices = servicesOf({});
