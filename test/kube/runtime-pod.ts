/** A runtime's pod as the API server knows it, without a node to run it, and the token that its kubelet would give it. */
import type { KubeClient } from '../../src/controller/kube-client.ts';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { apply } from './run-controller.ts';
import { bodyOf } from './with-control-plane.ts';

export interface RuntimePod {
  readonly pod: KubeObject;
  /** For the link. */
  readonly token: string;
}

export async function makeRuntimePod(
  client: KubeClient,
  place: { readonly namespace: string; readonly group?: string },
  name: string,
): Promise<RuntimePod> {
  const { namespace, group = 'default' } = place;
  const serviceAccountName = `moonhook-runtime${group === 'default' ? '' : `-${group}`}`;
  const component = group === 'default' ? 'runtime' : 'runtime-group';
  const pod = bodyOf(
    await client.request<KubeObject>({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      body: {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels: { 'app.kubernetes.io/component': component } },
        spec: { serviceAccountName, containers: [{ name: 'runtime', image: 'none' }] },
      },
    }),
  );
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid };
  const audiences = [`moonhook-link.${namespace}.moonhook.dev`];
  const token = await makeToken(client, namespace, serviceAccountName, { audiences, boundObjectRef });
  return { pod, token };
}

/** A token of a ServiceAccount. */
export async function makeToken(
  client: KubeClient,
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>>,
): Promise<string> {
  const answer = await client.request<{ readonly status: { readonly token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600, ...spec },
    },
  });
  return bodyOf(answer).status.token;
}

/** The endpoints of the runtime Service, as a cluster would make them of its pods: those that take traffic. */
export async function setTakingTraffic(
  client: KubeClient,
  namespace: string,
  pods: readonly { readonly name: string; readonly uid: string }[],
): Promise<void> {
  await apply(client, `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices/moonhook-a`, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'moonhook-a', labels: { 'kubernetes.io/service-name': 'moonhook' } },
    addressType: 'IPv4',
    endpoints: pods.map(({ name, uid }, index) => ({
      addresses: [`10.0.0.${index + 1}`],
      targetRef: { kind: 'Pod', namespace, name, uid },
    })),
    ports: [],
  });
}
