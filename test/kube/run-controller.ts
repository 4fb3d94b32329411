/** A controller in this process against a real API server, and what tests do with it. */
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { createClock } from '../../src/controller/clock.ts';
import type { KubeClient } from '../../src/controller/kube-client.ts';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { leaseTiming, type LeaseTiming } from '../../src/controller/leader-election.ts';
import { referenceTiming } from '../../src/controller/reference-poll.ts';
import { reflectorTiming } from '../../src/controller/reflector.ts';
import { startController, type Controller } from '../../src/controller/start-controller.ts';
import type { ResourceStatus } from '../../src/controller/watched-resources.ts';
import { defaultPolicy, type InstallationPolicy } from '../../src/policy/installation-policy.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createAttachedRuntimes, type AttachedRuntimes } from './attached-runtimes.ts';
import { eventually } from '../builders/eventually.ts';
import { bodyOf } from './with-control-plane.ts';

export const releaseNamespace = 'moonhook';
export const runtimeService = 'moonhook';
export const controllerAccount = `system:serviceaccount:${releaseNamespace}:moonhook-controller`;

export interface RunningController {
  readonly controller: Controller;
  readonly runtimes: AttachedRuntimes;
  readonly identity: string;
  /** Lines of its log. */
  readonly log: readonly string[];
  setPolicy(policy: InstallationPolicy): void;
  stop(): Promise<void>;
}

/** References are looked at often, failures are waited out shortly: tests have no minutes. */
const timing = {
  reflector: { ...reflectorTiming, backOff: { leastMs: 50, mostMs: 500 } },
  references: { ...referenceTiming, everyMs: 200, missing: { leastMs: 100, mostMs: 200 } },
};

export function runController(
  client: KubeClient,
  options: {
    readonly policy?: InstallationPolicy;
    readonly lease?: LeaseTiming;
    readonly leaseName?: string;
    /** Refusals of references are believed after so long. */
    readonly refusedMs?: number;
  } = {},
): RunningController {
  const log: string[] = [];
  let policy = options.policy ?? defaultPolicy('https://hooks.example.com');
  const identity = `controller-${randomUUID()}`;
  const controller = startController({
    client,
    clock: createClock(),
    log: createLogger({
      level: 'debug',
      terminal: false,
      stream: new Writable({
        write(chunk: Buffer, _encoding, done) {
          log.push(chunk.toString());
          done();
        },
      }),
    }),
    namespace: releaseNamespace,
    lease: options.leaseName ?? 'moonhook-controller',
    identity,
    runtimeService,
    rights: { account: controllerAccount, tenantRole: 'moonhook-tenant' },
    policy: () => policy,
    timing: {
      ...timing,
      references: { ...timing.references, refusedMs: options.refusedMs ?? timing.references.refusedMs },
      lease: options.lease ?? { ...leaseTiming, retryMs: 200 },
    },
  });
  const runtimes = createAttachedRuntimes(controller.table);
  controller.listenTo(runtimes.acknowledgements);
  return {
    controller,
    runtimes,
    identity,
    log,
    setPolicy: (next) => {
      policy = next;
      controller.policyChanged();
    },
    stop: async () => {
      await runtimes.close();
      await controller.stop();
    },
  };
}

/** What kubectl apply does, without kubectl. */
export async function apply<Body extends KubeObject>(client: KubeClient, path: string, body: unknown): Promise<Body> {
  const query = { fieldManager: 'test', force: true };
  const contentType = 'application/apply-patch+yaml';
  return bodyOf(await client.request<Body>({ method: 'PATCH', path, query, contentType, body }));
}

export async function makeNamespace(client: KubeClient, name: string): Promise<KubeObject> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  return apply(client, `/api/v1/namespaces/${name}`, body);
}

/** The slice that the cluster would make of the ready pods of the runtime Service. */
export async function setEndpoints(
  client: KubeClient,
  pods: readonly { readonly pod: string; readonly podUid: string; readonly ready?: boolean }[],
): Promise<void> {
  await apply(client, `/apis/discovery.k8s.io/v1/namespaces/${releaseNamespace}/endpointslices/${runtimeService}-a`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${runtimeService}-a`, labels: { 'kubernetes.io/service-name': runtimeService } },
    addressType: 'IPv4',
    endpoints: pods.map(({ pod, podUid, ready = true }, index) => ({
      addresses: [`10.0.0.${index + 1}`],
      conditions: { ready },
      targetRef: { kind: 'Pod', namespace: releaseNamespace, name: pod, uid: podUid },
    })),
    ports: [],
  });
}

export interface StatusObject extends KubeObject {
  readonly status?: ResourceStatus & { readonly conditions?: readonly ConditionShown[] };
}

interface ConditionShown {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** The conditions as `Type=Status/Reason`, sorted. */
export function conditionsOf(object: StatusObject): readonly string[] {
  return (object.status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status}/${reason}`).sort();
}

/** Waits until a condition of an object stands as `Type=Status/Reason`; answers the object. */
export async function conditionStands(client: KubeClient, path: string, wanted: string): Promise<StatusObject> {
  let last: StatusObject | undefined;
  return eventually(
    `${wanted} at ${path}`,
    async () => {
      last = bodyOf(await client.request<StatusObject>({ path }));
      const current = last.status?.conditions?.every(
        ({ observedGeneration }) => observedGeneration === last?.metadata.generation,
      );
      return current === true && conditionsOf(last).includes(wanted) ? last : undefined;
    },
    () => last?.status,
  );
}

/** Path of a function. */
export const functionPath = (namespace: string, name: string): string =>
  `/apis/moonhook.dev/v1alpha1/namespaces/${namespace}/webhookfunctions/${name}`;

/** A function as users write it. */
export function webhookFunction(
  name: string,
  spec: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return { apiVersion: 'moonhook.dev/v1alpha1', kind: 'WebhookFunction', metadata: { name }, spec };
}

/** An open HTTP trigger at that path. */
export const openTrigger = (path: string): Readonly<Record<string, unknown>> => ({
  name: 'web',
  http: { path, receiver: { open: {} } },
});
