/** A Pod as a benchmark makes many of. */

/** About as large as those of a Deployment with two containers. */
export function podOf(index: number): Readonly<Record<string, unknown>> {
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
