/** Pods as a benchmark makes many of. */
import type { KubeClient } from '../src/controller/kube-client.ts';
import type { KubeObject } from '../src/controller/kube-object.ts';
import { bodyOf } from '../test/kube/with-control-plane.ts';

export const podsPath = '/api/v1/namespaces/team-a/pods';
/** Requests under way at once. */
const writers = 32;

export async function makePods(client: KubeClient, count: number): Promise<void> {
  await eachOf(
    Array.from({ length: count }, (_, index) => podOf(index)),
    async (body) => {
      bodyOf(await client.request({ method: 'POST', path: podsPath, body }));
    },
  );
}

/**
 * Takes away the API server's book of who wrote which field (`managedFields`); where there is none, it does not begin one
 * with an update. Keeping it is half of what a write of a Pod costs an API server, and functions are never given it.
 */
export async function endFieldTracking(client: KubeClient): Promise<void> {
  const { items } = bodyOf(await client.request<{ readonly items: readonly KubeObject[] }>({ path: podsPath }));
  await eachOf(items, async ({ metadata: { name } }) => {
    const body = { metadata: { managedFields: [{}] } };
    const path = `${podsPath}/${name}`;
    bodyOf(await client.request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body }));
  });
}

async function eachOf<Item>(items: readonly Item[], write: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values();
  const work = async (): Promise<void> => {
    for (const item of rest) await write(item);
  };
  await Promise.all(Array.from({ length: writers }, work));
}

/** About as large as those of a Deployment with two containers. */
function podOf(index: number): Readonly<Record<string, unknown>> {
  const env = Array.from({ length: 12 }, (_, each) => ({
    name: `SETTING_${each}`,
    value: `value ${each} of ${index}`,
  }));
  const probe = { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 10, timeoutSeconds: 2 };
  const container = (name: string): Readonly<Record<string, unknown>> => ({
    name,
    image: `registry.example.com/team-a/${name}:1.2.3`,
    env,
    ports: [{ containerPort: 8080 }],
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
    livenessProbe: probe,
    readinessProbe: probe,
    volumeMounts: [{ name: 'configuration', mountPath: '/etc/configuration' }],
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pod-${index}`,
      labels: { app: 'load', shard: String(index % 10) },
      annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' },
    },
    spec: {
      containers: [container('main'), container('sidecar')],
      volumes: [{ name: 'configuration', configMap: { name: 'configuration' } }],
    },
  };
}
