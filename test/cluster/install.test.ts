/** The chart and the guide against a real API server: everything is taken as it is rendered, and as a reader types it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { readFencedBlocks } from '../builders/read-markdown.ts';
import { chartFolder, renderChart, renderedObjects, type ChartValues, type KubeObject } from '../chart/render-chart.ts';
import { eventually } from '../builders/eventually.ts';
import { kubeTools } from '../kube/kube-tools.ts';
import { useCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster({ crds: false });
const run = promisify(execFile);
const root = join(chartFolder, '..', '..');

/** Kinds of other projects, which no cluster has by itself. */
const foreign = new Set(['PodMonitor', 'PrometheusRule', 'HTTPRoute']);

/** A shell as a reader has it: kubectl and helm speak to the cluster of the test. */
async function shell(script: string, folder: string): Promise<string> {
  assert.ok(cluster);
  const { kubectl, helm } = kubeTools();
  const path = [dirname(kubectl), dirname(helm), process.env['PATH'] ?? ''].join(delimiter);
  const env = { ...process.env, PATH: path, KUBECONFIG: cluster.plane.kubeconfig, HELM_CACHE_HOME: folder };
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder, env });
  return stdout;
}

async function kubectlTakes(arguments_: readonly string[], input: string): Promise<void> {
  assert.ok(cluster);
  const { code, stderr } = await cluster.kubectl(arguments_, input);
  assert.equal(code, 0, stderr);
}

describe('a reader of the guide', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-guide-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  for (const block of readFencedBlocks(join(root, 'docs', 'guide', 'cluster.md'))) {
    const kind = [block.language, ...block.words].join(' ');
    if (kind === 'yaml') {
      const { metadata } = parse(block.text) as KubeObject;
      writeFileSync(join(folder, `${metadata.name}.yaml`), block.text);
    }
    if (kind !== 'sh cluster') continue;
    test(`can type what stands at line ${block.line}`, async () => {
      // Nothing runs pods here.
      const lines = block.text.split('\n').filter((line) => !line.includes('rollout status'));
      await shell(lines.join('\n').replaceAll('charts/', `${root}/charts/`), folder);
    });
  }

  test('has the functions then, and both say that nobody has judged them', async () => {
    assert.ok(cluster);
    await kubectlTakes(['apply', '-f', join(folder, 'crashes.yaml')], '');
    const { stdout } = await cluster.kubectl(['-n', 'team-a', 'get', 'webhookfunctions', '-o', 'json']);
    const { items } = JSON.parse(stdout) as { readonly items: readonly KubeObject[] };
    assert.deepEqual(
      items.map(({ metadata, ...object }) => [metadata.name, object['status'].conditions[0].status]),
      [
        ['crashes', 'Unknown'],
        ['pushes', 'Unknown'],
      ],
    );
  });

  test('can upgrade, and then everything is what the chart renders', async () => {
    const said = await shell(
      `helm upgrade moonhook ${chartFolder} -n moonhook-system --reset-values --set controller.replicas=1 >/dev/null
       kubectl -n moonhook-system get deployment moonhook-controller -o jsonpath='{.spec.replicas}'`,
      folder,
    );
    assert.equal(said, '1');
  });

  test('can upgrade across a change of the definitions, back and forth, and keeps every function', async () => {
    assert.ok(cluster);
    const own = cluster;
    // A version that did not have these fields yet.
    const older = join(folder, 'older');
    cpSync(chartFolder, older, { recursive: true });
    const file = join(older, 'files', 'crds', 'moonhook.dev_webhookfunctions.yaml');
    const definition = parse(readFileSync(file, 'utf8')) as KubeObject;
    const { spec, status } = definition['spec'].versions[0].schema.openAPIV3Schema.properties;
    delete spec.properties.egress;
    delete status.properties.runtimeGroup;
    writeFileSync(file, stringify(definition));
    const upgrade = (chart: string): Promise<string> =>
      shell(`helm upgrade moonhook ${chart} -n moonhook-system --reset-values >/dev/null`, folder);
    const uids = async (): Promise<string> =>
      (await own.kubectl(['-n', 'team-a', 'get', 'whf', '-o', 'jsonpath={.items[*].metadata.uid}'])).stdout;
    const before = await uids();
    assert.ok(before.length > 0);
    const narrowed = {
      apiVersion: 'moonhook.dev/v1alpha1',
      kind: 'WebhookFunction',
      metadata: { name: 'narrowed', namespace: 'team-a' },
      spec: {
        code: 'return function() end',
        egress: { allow: ['hooks.example.com'] },
        triggers: [{ name: 'web', http: { path: 'narrowed', receiver: { open: {} } } }],
      },
    };
    const apply = (): Promise<{ readonly code: number; readonly stderr: string }> =>
      own.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], JSON.stringify(narrowed));
    await upgrade(older);
    assert.equal(await uids(), before);
    await eventually('the older definition is in force', async () =>
      /unknown field "spec.egress"/.test((await apply()).stderr),
    );
    await upgrade(chartFolder);
    assert.equal(await uids(), before);
    await eventually('the newer definition is in force', async () => (await apply()).code === 0);
  });

  test('can scale with a database, and take over a store, as the page on operations says', async () => {
    const blocks = readFencedBlocks(join(root, 'docs', 'guide', 'operations.md'));
    const upgrades = blocks.filter(({ text }) => text.includes('helm upgrade'));
    assert.equal(upgrades.length, 2);
    for (const { text } of upgrades) {
      // What a reader has to fill in.
      await shell(text.replaceAll('…', 'x').replaceAll('charts/', `${root}/charts/`), folder);
    }
    const said = await shell(
      `kubectl -n moonhook-system get deployment moonhook-runtime -o jsonpath='{.spec.replicas} {.spec.template.spec.containers[0].env[?(@.name=="MOONHOOK_STORE_ADOPT")].value}'
       kubectl -n moonhook-system get statefulset -o name`,
      folder,
    );
    assert.match(said, /^3 [\w-]+\/moonhook-system\/moonhook$/);
    await shell(`helm upgrade moonhook ${chartFolder} -n moonhook-system --reset-values >/dev/null`, folder);
  });

  test('can make the pod that a backup is brought back in', async () => {
    const blocks = readFencedBlocks(join(root, 'docs', 'guide', 'operations.md'));
    const block = blocks.find(({ text }) => text.includes('metadata: { name: restore }'));
    assert.ok(block);
    const strict = block.text.replace('apply -f', 'apply --dry-run=server --validate=strict -f');
    const label = 'pod-security.kubernetes.io/enforce=restricted';
    await shell(`kubectl label namespace moonhook-system ${label}`, folder);
    assert.match(await shell(strict, folder), /pod\/restore created/);
  });
});

const postgres: ChartValues = { 'store.postgres': { enabled: true, urlFrom: { secretName: 'db', key: 'url' } } };
const groups: ChartValues = {
  runtimeGroups: [
    { name: 'payments', namespaces: ['bank'] },
    {
      name: 'big',
      namespaces: ['lake'],
      runtime: { autoscaling: { enabled: true } },
      store: { postgres: { enabled: true, urlFrom: { secretName: 'lake' } } },
    },
  ],
  ingress: { enabled: true, hosts: ['hooks.example.com'] },
  'policy.egress': { clusterServices: 'Own' },
};
const combinations: Readonly<Record<string, ChartValues>> = {
  defaults: {},
  PostgreSQL: { ...postgres, 'runtime.replicas': 3 },
  autoscaling: { ...postgres, 'runtime.autoscaling.enabled': true },
  Ingress: { ingress: { enabled: true, controller: 'nginx', hosts: ['hooks.example.com'] } },
  tenants: { 'tenants.namespaces': ['team-a'] },
  'runtime groups': groups,
  egress: { 'policy.egress': { grants: ['10.1.0.0/16'], clusterServices: 'Own' } },
};

describe('the API server', { skip }, () => {
  for (const [name, values] of Object.entries(combinations)) {
    test(`takes every object of the chart with ${name}, field by field`, async () => {
      const objects = renderedObjects(values).filter(({ kind }) => !foreign.has(kind));
      const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
      await kubectlTakes(
        ['apply', '--server-side', '--dry-run=server', '--force-conflicts', '--validate=strict', '-f', '-'],
        text,
      );
    });
  }

  test('takes the plain manifests', async () => {
    const file = join(root, 'charts', 'plain', 'moonhook.yaml');
    await kubectlTakes(
      ['apply', '--server-side', '--dry-run=server', '--force-conflicts', '--validate=strict', '-f', file],
      '',
    );
  });

  test('admits every pod under Pod Security restricted, and would notice one that is not', async () => {
    assert.ok(cluster);
    await kubectlTakes(['label', 'namespace', 'moonhook-system', 'pod-security.kubernetes.io/enforce=restricted'], '');
    const rendering = renderChart({ ...postgres, ...groups });
    assert.ok(rendering.ok);
    const pods = [...renderedObjects(), ...rendering.objects].flatMap((object) => {
      const spec = object.kind === 'Pod' ? object['spec'] : object['spec']?.template?.spec;
      return spec === undefined ? [] : [{ name: object.metadata.name, spec }];
    });
    assert.ok(pods.length >= 7);
    const podOf = ({ name, spec }: { readonly name: string; readonly spec: object }): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `${name}-try`, namespace: 'moonhook-system' },
        // What a StatefulSet would add.
        spec: { ...spec, restartPolicy: 'Never', volumes: volumesOf(spec) },
      });
    const dryRun = ['create', '--dry-run=server', '-f', '-'];
    for (const pod of pods) await kubectlTakes(dryRun, podOf(pod));
    const [first] = pods;
    assert.ok(first);
    const loose = await cluster.kubectl(dryRun, podOf({ ...first, spec: { ...first.spec, hostNetwork: true } }));
    assert.match(loose.stderr, /violates PodSecurity "restricted/);
  });
});

/** The volumes of a pod, and an empty one for each that a claim would bring. */
function volumesOf(spec: object): readonly object[] {
  const { volumes = [], containers } = spec as {
    readonly volumes?: readonly { readonly name: string }[];
    readonly containers: readonly { readonly volumeMounts?: readonly { readonly name: string }[] }[];
  };
  const known = new Set(volumes.map(({ name }) => name));
  const mounted = new Set(containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)));
  return [...volumes, ...[...mounted].filter((name) => !known.has(name)).map((name) => ({ name, emptyDir: {} }))];
}
