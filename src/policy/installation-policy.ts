/** What the installation allows: hosts, defaults, ceilings, egress, quotas. Complete; read from a file by `read-policy.ts`. */

import type { ResolvedLimits } from '../function/types.ts';
import type { RuntimeGroups } from './runtime-groups.ts';

/** A host, and who may mount what on it. */
export interface HostGrant {
  /** Lower case, no port; undefined: any host that no other grant names. */
  readonly host?: string;
  /** `https://hooks.example.com`: no trailing slash, no path. */
  readonly publicUrl: string;
  readonly namespaces: readonly string[] | '*';
  /** `/{namespace}`: below the namespace's name; `/`: anywhere but reserved paths. */
  readonly mount: '/{namespace}' | '/';
}

/** Amounts one namespace may have; undefined: not limited. */
export interface Quota {
  readonly functions?: number;
  readonly routes?: number;
  /** Kubernetes triggers. */
  readonly watches?: number;
  readonly subscriptions?: number;
  /** Deliveries of stored events that have not ended; undefined: the store's default, as for the next two. */
  readonly waitingRows?: number;
  /** Their events, counted once for each delivery. */
  readonly waitingBytes?: number;
  readonly keyValueBytes?: number;
  /** In each pod, of calls that wait for the host. */
  readonly parkedBytes?: number;
  /** In each pod, held for calls outside Lua, such as answers of `http`. */
  readonly hostBytes?: number;
  /** Of the CPU time that Lua takes in each worker thread while other namespaces want some, above 0 to 1. */
  readonly cpuShare?: number;
}

/** What the store keeps of deliveries that have ended. */
export interface Retention {
  /** Done, filtered and superseded ones. */
  readonly settledMs?: number;
  /** Dead and cancelled ones. */
  readonly failedMs?: number;
  /** Of one namespace. */
  readonly endedBytes?: number;
  /** Delivery ids that are remembered, of all endpoints. */
  readonly duplicateKeys?: number;
}

/** Egress entries as text, for the outbound guard. */
export interface EgressGrants {
  /** Hosts at most; undefined: every globally reachable host. */
  readonly allow?: readonly string[];
  /** Targets that are not globally reachable and yet opened. */
  readonly grants: readonly string[];
  /** Addresses nobody reaches. */
  readonly deny: readonly string[];
  readonly clusterServices: 'None' | 'Own';
}

export interface InstallationPolicy {
  /** Serves functions of this class; undefined: those without one; `*`: all. */
  readonly class?: string;
  /** In order of preference: a relative path is mounted by the first that covers its namespace. */
  readonly hosts: readonly HostGrant[];
  readonly defaults: { readonly limits: ResolvedLimits; readonly retryScheduleMs: readonly number[] };
  readonly ceilings: {
    readonly limits: ResolvedLimits;
    readonly retryAttempts: number;
    readonly retryWaitMs: number;
    readonly ackAfterMs: number;
    readonly dedupWindowMs: number;
  };
  readonly egress: EgressGrants & {
    readonly namespaces: Readonly<Record<string, Partial<EgressGrants>>>;
    /** Addresses of each namespace's own Services, for `clusterServices`: leased by the controllers, never from a file. */
    readonly services?: Readonly<Record<string, readonly string[]>>;
  };
  readonly quotas: Quota & { readonly namespaces: Readonly<Record<string, Quota>> };
  /** How long what has ended is kept; what is absent is as the store has it by default. */
  readonly retention?: Retention;
  /** Addresses or CIDRs of proxies whose forwarded headers count. */
  readonly trustedProxies: readonly string[];
  /** True: secrets shorter than their receiver demands are accepted. */
  readonly allowWeakSecrets: boolean;
  /** True: all namespaces belong to one person (a run on one machine). */
  readonly singleTenant: boolean;
  /** Absent: the runtimes of the default group serve everybody. */
  readonly runtimeGroups?: RuntimeGroups;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const kibi = 1024;
const mebi = 1024 * kibi;

/** Limits of a call where neither the function nor the installation says otherwise. */
export const defaultLimits: ResolvedLimits = {
  timeoutMs: 10 * second,
  cpuMs: 1 * second,
  memoryBytes: 16 * mebi,
  concurrency: 100,
  requestBodyBytes: 1 * mebi,
  responseBodyBytes: 4 * mebi,
  logBytes: 64 * kibi,
  logLines: 1000,
  hostCalls: 100,
  parallelHostCalls: 16,
};

/** Ceilings where the installation names none. */
const defaultCeilings: InstallationPolicy['ceilings'] = {
  limits: {
    timeoutMs: 5 * minute,
    cpuMs: 1 * minute,
    memoryBytes: 128 * mebi,
    concurrency: 1000,
    requestBodyBytes: 16 * mebi,
    responseBodyBytes: 16 * mebi,
    logBytes: 1 * mebi,
    logLines: 1000,
    hostCalls: 1000,
    parallelHostCalls: 16,
  },
  retryAttempts: 20,
  retryWaitMs: 1 * day,
  ackAfterMs: 1 * minute,
  dedupWindowMs: 8 * day,
};

/** An installation whose file says nothing: one host of any name, each namespace below its own. */
export function defaultPolicy(publicUrl: string): InstallationPolicy {
  return {
    hosts: [{ publicUrl, namespaces: '*', mount: '/{namespace}' }],
    defaults: { limits: defaultLimits, retryScheduleMs: [5 * second, minute, 10 * minute, hour] },
    ceilings: defaultCeilings,
    egress: { grants: [], deny: [], clusterServices: 'None', namespaces: {} },
    quotas: { namespaces: {} },
    trustedProxies: [],
    allowWeakSecrets: false,
    singleTenant: false,
  };
}

/** A run on one machine without a policy file: every class, host and path is granted; ceilings stay. */
export function localPolicy(publicUrl: string, egressGrants: readonly string[] = []): InstallationPolicy {
  const policy = defaultPolicy(publicUrl);
  return {
    ...policy,
    class: '*',
    hosts: [...policy.hosts, { publicUrl, namespaces: '*', mount: '/' }],
    egress: { ...policy.egress, grants: egressGrants },
    singleTenant: true,
  };
}

/** Whether this installation serves a function of that class. */
export function servesClass(policy: InstallationPolicy, functionClass: string | undefined): boolean {
  return policy.class === '*' || policy.class === functionClass;
}

/** The quota of one namespace: its own figures, else those for all. */
export function quotaOf(policy: InstallationPolicy, namespace: string): Quota {
  const { namespaces, ...all } = policy.quotas;
  return Object.hasOwn(namespaces, namespace) ? { ...all, ...namespaces[namespace] } : all;
}

/** What the outbound guard is given for one namespace: its own figures, else those for all. */
export function egressOf(policy: InstallationPolicy, namespace: string): EgressGrants {
  const { namespaces, services: _services, ...all } = policy.egress;
  const own = Object.hasOwn(namespaces, namespace) ? namespaces[namespace] : undefined;
  return own === undefined ? all : { ...all, ...own, deny: [...all.deny, ...(own.deny ?? [])] };
}
