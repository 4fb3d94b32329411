/** A controller with cluster events, a runtime process, and functions that record what happens to objects. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import {
  startClusterEvents,
  type ClusterEvents,
  type ClusterEventsTiming,
} from '../../src/controller/cluster-events/start-cluster-events.ts';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { startLinks } from '../../src/controller/link/start-links.ts';
import { reflectorTiming } from '../../src/controller/reflector.ts';
import { runController, type RunningProgram } from '../../src/controller/run-controller.ts';
import { readControllerSettings } from '../../src/settings/controller-settings.ts';
import { keptLog } from '../link/cluster.ts';
import { startRuntimeProcess, type RuntimeProcess } from '../link/runtime-process.ts';
import { eventually } from '../builders/eventually.ts';
import {
  apply,
  functionPath,
  makeNamespace,
  setEndpoints,
  webhookFunction,
  type StatusObject,
} from './run-controller.ts';
import { bodyOf, type TestCluster } from './with-control-plane.ts';

const serverName = 'moonhook-link.moonhook.svc';
const audience = 'moonhook-link.moonhook.moonhook.dev';
const rbac = 'rbac.authorization.k8s.io';

type Client = TestCluster['client'];

export interface RunningReplica {
  readonly program: RunningProgram;
  readonly events: ClusterEvents;
  readonly port: number;
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/** Failures are waited out shortly: tests have no minutes. */
const timing: ClusterEventsTiming = {
  reflector: { ...reflectorTiming, backOff: { leastMs: 50, mostMs: 500 } },
  recheckMs: 1_000,
};

/** `kubeconfig`: may lead through a fault proxy. */
export async function startReplica(
  kubeconfig: string,
  pod = 'controller-0',
  more: { readonly linkPort?: number; readonly bytesPerNamespace?: number } = {},
): Promise<RunningReplica> {
  const settings = readControllerSettings({ kubeconfig }, pod, {
    MOONHOOK_LINK_PORT: String(more.linkPort ?? 0),
    MOONHOOK_ADMIN_PORT: '0',
  });
  assert.ok(settings.ok);
  let port = 0;
  let events: ClusterEvents | undefined;
  const log = keptLog();
  const running = await runController({
    settings: settings.settings,
    log,
    version: 'test',
    parts: [
      async (context) => {
        const links = await startLinks(context);
        ({ port } = links.server);
        events = startClusterEvents(context, links.server, {
          ...timing,
          ...(more.bytesPerNamespace === undefined ? {} : { bytesPerNamespace: more.bytesPerNamespace }),
        });
        const { close } = events;
        return {
          async close() {
            await close();
            await links.close();
          },
        };
      },
    ],
  });
  assert.ok(running.ok && events !== undefined);
  const { program } = running;
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= program.stop());
  after(stop);
  return { program, events, port, log: log.lines, stop };
}

/** The namespaces and accounts that an installation has. */
export async function makeInstallation(client: Client): Promise<void> {
  for (const name of ['moonhook', 'team-a', 'team-b']) await makeNamespace(client, name);
  await makeAccount(client, 'moonhook', 'moonhook-runtime', false);
}

export async function makeAccount(client: Client, namespace: string, name: string, consents = true): Promise<void> {
  const metadata = { name, labels: consents ? { 'moonhook.dev/functions': 'true' } : {} };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;
  await apply(client, path, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
}

/** Lets an account of team-a list and watch; `namespace` undefined: everywhere. */
export async function mayWatch(
  client: Client,
  account: string,
  rule: { readonly group: string; readonly resource: string },
  namespace?: string,
): Promise<string> {
  const name = `${account}-${rule.resource}`;
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const [role, binding] = namespace === undefined ? ['ClusterRole', 'ClusterRoleBinding'] : ['Role', 'RoleBinding'];
  const kinds = { ClusterRole: 'clusterroles', Role: 'roles' };
  const root = `/apis/${rbac}/v1${scope}`;
  const apiVersion = `${rbac}/v1`;
  await apply(client, `${root}/${kinds[role as keyof typeof kinds]}/${name}`, {
    apiVersion,
    kind: role,
    metadata: { name },
    rules: [{ apiGroups: [rule.group], resources: [rule.resource], verbs: ['list', 'watch'] }],
  });
  const path = `${root}/${(binding ?? '').toLowerCase()}s/${name}`;
  await apply(client, path, {
    apiVersion,
    kind: binding,
    metadata: { name },
    roleRef: { apiGroup: rbac, kind: role, name },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: 'team-a' }],
  });
  return path;
}

/** A runtime whose pod and token the API server knows. */
export async function startRuntime(
  client: Client,
  ports: readonly number[],
  name = 'runtime-0',
  environment: Readonly<Record<string, string>> = {},
): Promise<RuntimeProcess> {
  const authority = bodyOf(
    await client.request<{ readonly data: Readonly<Record<string, string>> }>({
      path: '/api/v1/namespaces/moonhook/configmaps/moonhook-ca',
    }),
  ).data['ca.crt'];
  assert.ok(authority !== undefined);
  const pods = '/api/v1/namespaces/moonhook/pods';
  const { metadata } = bodyOf(
    await client.request<KubeObject>({
      method: 'POST',
      path: pods,
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels: { 'app.kubernetes.io/component': 'runtime' } },
        spec: { serviceAccountName: 'moonhook-runtime', containers: [{ name: 'runtime', image: 'none' }] },
      },
    }),
  );
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid: metadata.uid };
  const { token } = bodyOf(
    await client.request<{ readonly status: { readonly token: string } }>({
      method: 'POST',
      path: '/api/v1/namespaces/moonhook/serviceaccounts/moonhook-runtime/token',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [audience], expirationSeconds: 3600, boundObjectRef },
      },
    }),
  ).status;
  const runtime = await startRuntimeProcess(metadata, undefined, {
    controllers: ports,
    token,
    authority,
    serverName,
    environment,
  });
  after(() => runtime.close());
  await setEndpoints(client, [{ pod: name, podUid: metadata.uid }]);
  return runtime;
}

/** An installation with one controller, one runtime, and an account of team-a that may watch the ConfigMaps there. */
export async function startEventWorld(
  { client, plane }: TestCluster,
  more: { readonly bytesPerNamespace?: number } = {},
) {
  await makeInstallation(client);
  await makeAccount(client, 'team-a', 'hooks');
  await mayWatch(client, 'hooks', { group: '', resource: 'configmaps' }, 'team-a');
  const replica = await startReplica(plane.kubeconfig, 'controller-0', more);
  const runtime = await startRuntime(client, [replica.port]);
  return { client, replica, runtime: () => runtime };
}

/** What a recorder function was called with. */
export interface RecordedCall {
  readonly name: string;
  readonly object: KubeObject & Readonly<Record<string, unknown>>;
  readonly previous?: unknown;
  readonly synthetic: boolean;
}

/** One list for each object, in the order of the calls; calls of one object never run beside each other. */
const recorder = `return {
  web = function()
    local all, cursor = {}, nil
    repeat
      local keys
      keys, cursor = kv.list("", { limit = 500, cursor = cursor })
      for _, key in ipairs(keys) do all[key] = kv.get(key) end
    until cursor == nil
    return { json = json.object(all) }
  end,
  default = function(event)
    local uid = event.data.object.metadata.uid
    local seen = kv.get(uid) or {}
    seen[#seen + 1] = {
      name = event.name, object = event.data.object, previous = event.data.previous, synthetic = event.data.synthetic,
    }
    kv.set(uid, seen)
  end,
}`;

export interface Recorder {
  readonly uid: string;
  readonly path: string;
  /** Waits until every kubernetes trigger is ready. */
  ready(): Promise<StatusObject>;
  /** Waits until the kubernetes trigger says why it is not ready; answers the whole message. */
  troubled(reason: string): Promise<string>;
  /** Calls by the name of the object, in order. */
  calls(): Promise<ReadonlyMap<string, readonly RecordedCall[]>>;
  /** Waits until the calls of an object are these; answers them. */
  sees(object: string, names: readonly string[]): Promise<readonly RecordedCall[]>;
  edit(kubernetes: Readonly<Record<string, unknown>>, more?: Readonly<Record<string, unknown>>): Promise<void>;
}

interface TriggerShown {
  readonly ready?: boolean;
  readonly reason?: string;
  readonly message?: string;
}

/** Applies a function of team-a that records what its one kubernetes trigger brings. */
export async function record(
  { client, runtime }: { readonly client: Client; readonly runtime: () => RuntimeProcess },
  name: string,
  kubernetes: Readonly<Record<string, unknown>>,
  more: { readonly account?: string; readonly trigger?: Readonly<Record<string, unknown>> } = {},
): Promise<Recorder> {
  const path = functionPath('team-a', name);
  const edit: Recorder['edit'] = async (trigger, fields = {}) => {
    const spec = {
      code: recorder,
      serviceAccountName: more.account ?? 'hooks',
      // One for each object that it tells of.
      limits: { hostCalls: 1000 },
      triggers: [
        { name: 'web', http: { path: name, receiver: { open: {} } } },
        { name: 'watched', kubernetes: trigger, ...more.trigger, ...fields },
      ],
    };
    await apply(client, path, webhookFunction(name, spec));
  };
  await edit(kubernetes);
  const { metadata } = bodyOf(await client.request<KubeObject>({ path }));
  const calls = async (): Promise<ReadonlyMap<string, readonly RecordedCall[]>> => {
    const response = await fetch(`${runtime().publicUrl}/team-a/${name}`);
    if (response.status !== 200) return new Map();
    const lists = Object.values((await response.json()) as Readonly<Record<string, readonly RecordedCall[]>>);
    const byName = new Map<string, RecordedCall[]>();
    for (const list of lists) {
      const objectName = list[0]?.object.metadata.name ?? '';
      byName.set(objectName, [...(byName.get(objectName) ?? []), ...list]);
    }
    return byName;
  };
  let status: StatusObject | undefined;
  return {
    uid: metadata.uid,
    path,
    calls,
    edit,
    ready: () =>
      eventually(
        `the triggers of ${name} are ready`,
        async () => {
          status = bodyOf(await client.request<StatusObject>({ path }));
          const triggers = (status.status?.triggers ?? []) as readonly TriggerShown[];
          const current = status.status?.observedGeneration === status.metadata.generation;
          return current && triggers.length > 0 && triggers.every(({ ready }) => ready === true) ? status : undefined;
        },
        () => [status?.status, runtime().log().slice(-2000)],
      ),
    troubled: (reason) =>
      eventually(
        `the trigger of ${name} says ${reason}`,
        async () => {
          status = bodyOf(await client.request<StatusObject>({ path }));
          const triggers = (status.status?.triggers ?? []) as readonly TriggerShown[];
          return triggers.find((each) => each.reason === reason && each.ready === false)?.message;
        },
        () => status?.status,
      ),
    async sees(object, names) {
      let last: readonly RecordedCall[] = [];
      return eventually(
        `${name} sees ${names.join(', ')} of ${object}`,
        async () => {
          last = (await calls()).get(object) ?? [];
          return last.map((call) => call.name).join() === names.join() ? last : undefined;
        },
        () => [last.map((call) => call.name), runtime().log().slice(-2000)],
      );
    },
  };
}

export async function writeConfigMap(
  client: Client,
  name: string,
  more: {
    readonly data?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly namespace?: string;
  } = {},
): Promise<KubeObject> {
  const { data = {}, labels = {}, namespace = 'team-a' } = more;
  return apply(client, `/api/v1/namespaces/${namespace}/configmaps/${name}`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels },
    data,
  });
}

export async function deleteObject(client: Client, path: string): Promise<void> {
  bodyOf(await client.request({ method: 'DELETE', path }));
}
