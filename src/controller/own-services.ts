/**
 * Addresses of Services for policies that open those of the own namespace: watched while a policy asks for them, and put
 * into the policy that runtimes are given. Only Services with a selector count: what stands behind others is written by hand.
 */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { Clock } from './clock.ts';
import { resourcePath } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeObject } from './kube-object.ts';
import { startReflector, type Reflector, type ReflectorListener, type ReflectorTiming } from './reflector.ts';

export interface OwnServices {
  /** The policy with the addresses of now; the same object until one of both changes. */
  with(policy: InstallationPolicy): InstallationPolicy;
  /** Resolves when all of them are known, or none are wanted. */
  known(policy: InstallationPolicy): Promise<void>;
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

type Addresses = Readonly<Record<string, readonly string[]>>;

export function createOwnServices(options: OwnServicesOptions): OwnServices {
  const { client, clock, closed, timing, report } = options;
  let reflector: Reflector<KeptService> | undefined;
  let stopped: Promise<void> = Promise.resolve();
  let addresses: Addresses | undefined = {};
  let tellSynced = (): void => undefined;
  let synced: Promise<void> = Promise.resolve();
  let last: { readonly from: InstallationPolicy; readonly made: InstallationPolicy } | undefined;

  function start(): void {
    if (reflector !== undefined) return;
    synced = new Promise((resolve) => (tellSynced = resolve));
    reflector = startReflector<KeptService>({
      client,
      clock,
      collection: { path: resourcePath({ apiVersion: 'v1', resource: 'services' }) },
      ...(timing === undefined ? {} : { timing }),
      keep: keepService,
      listener: {
        ...report,
        onChanges: () => void (addresses = undefined),
        onSynced: () => {
          addresses = undefined;
          tellSynced();
        },
      },
    });
  }

  return {
    async known(policy) {
      if (!wantsServices(policy)) return;
      start();
      await synced;
    },
    with(policy) {
      if (!wantsServices(policy)) {
        // Nobody reads Services of a cluster whose policy does not ask for them.
        stopped = Promise.all([stopped, reflector?.stop()]).then(() => undefined);
        reflector = undefined;
        last = undefined;
        return policy;
      }
      start();
      const now = (addresses ??= gather(reflector?.objects.values() ?? [], closed));
      if (last?.from === policy && last.made.egress.services === now) return last.made;
      last = { from: policy, made: { ...policy, egress: { ...policy.egress, services: now } } };
      return last.made;
    },
    async stop() {
      await Promise.all([stopped, reflector?.stop()]);
    },
  };
}

function wantsServices({ egress }: InstallationPolicy): boolean {
  return [egress, ...Object.values(egress.namespaces)].some(({ clusterServices }) => clusterServices === 'Own');
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

function gather(services: Iterable<KeptService>, closed: ReadonlySet<string>): Addresses {
  const byNamespace = new Map<string, string[]>();
  for (const { metadata, addresses } of services) {
    const { namespace = '' } = metadata;
    if (closed.has(namespace) || addresses.length === 0) continue;
    const known = byNamespace.get(namespace);
    if (known === undefined) byNamespace.set(namespace, [...addresses]);
    else known.push(...addresses);
  }
  return Object.fromEntries(byNamespace);
}
