/** The chart by itself: what it renders, what it refuses, and that it agrees with the program it installs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { resourceCatalogue } from '../../src/controller/aggregated-api/resource-catalogue.ts';
import { defaultPolicy } from '../../src/policy/installation-policy.ts';
import { readPolicy } from '../../src/policy/read-policy.ts';
import { controllerMetricsCatalogue } from '../../src/telemetry/controller-metrics.ts';
import { metricPrefix, metricsCatalogue } from '../../src/telemetry/metrics-catalogue.ts';
import {
  chartFolder,
  helm,
  plainManifests,
  renderChart,
  renderedObjects,
  type ChartValues,
  type KubeObject,
} from './render-chart.ts';

const postgres: ChartValues = {
  'store.postgres': { enabled: true, urlFrom: { secretName: 'database', key: 'url' } },
};
const combinations: Readonly<Record<string, ChartValues>> = {
  'as it comes': {},
  'without CRDs': { 'crds.install': false },
  'with PostgreSQL and three runtimes': { ...postgres, 'runtime.replicas': 3 },
  'with PostgreSQL and autoscaling': { ...postgres, 'runtime.autoscaling.enabled': true },
  'with an Ingress for nginx': { ingress: { enabled: true, controller: 'nginx', hosts: ['hooks.example.com'] } },
  'with an Ingress for Contour': { ingress: { enabled: true, controller: 'contour', hosts: ['hooks.example.com'] } },
  'with an HTTPRoute': { httpRoute: { enabled: true, parentRefs: [{ name: 'public' }] } },
  'without the aggregated API': { 'aggregatedApi.enabled': false },
  'without network policies': { 'networkPolicy.enabled': false },
  'with monitoring': { 'monitoring.serviceMonitor.enabled': true, 'monitoring.prometheusRule.enabled': true },
  'with tenants': { 'tenants.namespaces': ['team-a', 'team-b'] },
  'with an admission policy': { 'admissionPolicy.enabled': true },
  'with one controller': { 'controller.replicas': 1 },
  'with additions to its pods': {
    controller: {
      podLabels: { team: 'platform' },
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'example.com/rack', whenUnsatisfiable: 'DoNotSchedule' }],
      extraEnv: [{ name: 'TZ', value: 'UTC' }],
    },
    runtime: {
      podLabels: { team: 'platform' },
      extraEnv: [{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/authority/ca.crt' }],
      extraVolumes: [{ name: 'authority', configMap: { name: 'authority' } }],
      extraVolumeMounts: [{ name: 'authority', mountPath: '/etc/authority', readOnly: true }],
    },
  },
  'with its own egress': { 'policy.egress': { grants: ['10.1.0.0/16', '10.2.3.4'], clusterServices: 'Own' } },
};

const ofKind = (objects: readonly KubeObject[], kind: string): readonly KubeObject[] =>
  objects.filter((object) => object.kind === kind);

/** The pod templates and pods among the objects. */
function podsOf(objects: readonly KubeObject[]): readonly KubeObject['spec'][] {
  return objects.flatMap((object) =>
    object.kind === 'Pod' ? [object.spec] : object.spec?.template?.spec ? [object.spec.template.spec] : [],
  );
}

test('helm lint finds no mistake', () => {
  const { status, output } = helm(['lint', '--strict', chartFolder]);
  assert.equal(status, 0, output);
});

for (const [name, values] of Object.entries(combinations)) {
  describe(`the chart ${name}`, () => {
    const first = renderChart(values);

    test('renders the same twice: nothing in it is random', () => {
      assert.ok(first.ok, first.ok ? '' : first.message);
      assert.deepEqual(renderChart(values), first);
    });

    test('runs every container without privileges, on a read-only file system', () => {
      assert.ok(first.ok);
      const pods = podsOf(first.objects);
      assert.ok(pods.length >= 3);
      for (const pod of pods) {
        assert.equal(pod.securityContext.runAsNonRoot, true);
        assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault');
        for (const container of pod.containers) {
          assert.deepEqual(container.securityContext, {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          assert.ok(container.resources.limits.memory);
        }
      }
    });

    test('gives no object a name twice, and all of them a namespace of their own or none', () => {
      assert.ok(first.ok);
      const names = first.objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
      assert.equal(new Set(names).size, names.length);
      for (const { metadata } of first.objects) {
        const allowed = [undefined, 'moonhook-system', 'kube-system', 'team-a', 'team-b'];
        assert.ok(allowed.includes(metadata.namespace), metadata.namespace);
      }
    });

    test('passes its policy through the reader of the program', () => {
      assert.ok(first.ok);
      const text = ofKind(first.objects, 'ConfigMap')[0]?.['data']['policy.yaml'] as string;
      const reading = readPolicy(parse(text), defaultPolicy('http://example.test'), { local: false });
      assert.deepEqual(reading.ok ? [] : reading.mistakes, []);
    });
  });
}

describe('what the controller is granted', () => {
  const objects = renderedObjects();
  const rulesOf = (kind: string, name: string): readonly KubeObject['rules'][] =>
    ofKind(objects, kind).find(({ metadata }) => metadata.name === name)?.['rules'] ?? [];

  test('neither Secrets nor impersonation in the whole cluster', () => {
    const rules = rulesOf('ClusterRole', 'moonhook-controller');
    assert.ok(rules.length > 0);
    for (const rule of rules) {
      assert.ok(!rule.resources.includes('secrets') && !rule.verbs.includes('impersonate'), JSON.stringify(rule));
      assert.ok(![...rule.apiGroups, ...rule.resources, ...rule.verbs].includes('*'), JSON.stringify(rule));
    }
  });

  test('both by namespace only, through bindings to the role of tenants', () => {
    const tenant = rulesOf('ClusterRole', 'moonhook-tenant');
    assert.ok(tenant.some((rule) => rule.verbs.includes('impersonate') && rule.resources.join() === 'serviceaccounts'));
    assert.ok(tenant.some((rule) => rule.resources.includes('secrets') && rule.verbs.join() === 'get'));
    const bound = ofKind(renderedObjects({ 'tenants.namespaces': ['team-a'] }), 'RoleBinding').filter(
      (binding) => binding['roleRef'].name === 'moonhook-tenant',
    );
    assert.deepEqual(
      bound.map(({ metadata }) => metadata.namespace),
      ['team-a'],
    );
    assert.ok(!ofKind(objects, 'ClusterRoleBinding').some((binding) => binding['roleRef'].name === 'moonhook-tenant'));
  });

  test('Services only where the policy opens them to somebody', () => {
    const granted = (egress: object): boolean =>
      ofKind(renderedObjects({ 'policy.egress': egress }), 'ClusterRole')
        .filter(({ metadata }) => metadata.name === 'moonhook-controller')
        .flatMap((role) => role['rules'] as readonly { readonly resources: readonly string[] }[])
        .some(({ resources }) => resources.includes('services'));
    assert.ok(!rulesOf('ClusterRole', 'moonhook-controller').some((rule) => rule.resources.includes('services')));
    assert.equal(granted({ clusterServices: 'None', namespaces: { 'team-a': { allow: ['example.com'] } } }), false);
    assert.equal(granted({ clusterServices: 'Own' }), true);
    assert.equal(granted({ namespaces: { 'team-a': { clusterServices: 'Own' } } }), true);
  });

  test('Secrets of its own namespace by name alone', () => {
    for (const rule of rulesOf('Role', 'moonhook-controller')) {
      if (!rule.resources.includes('secrets') || rule.verbs.join() === 'create') continue;
      assert.deepEqual(rule.resourceNames, ['moonhook-certificates']);
    }
  });

  test('a runtime has no token but the one for the link', () => {
    const runtime = ofKind(objects, 'StatefulSet')[0]?.spec.template.spec;
    assert.equal(runtime.automountServiceAccountToken, false);
    const tokens = runtime.volumes.flatMap((volume: { projected?: { sources: { serviceAccountToken?: object }[] } }) =>
      (volume.projected?.sources ?? []).flatMap((source) => source.serviceAccountToken ?? []),
    );
    assert.deepEqual(tokens, [
      { audience: 'moonhook-link.moonhook-system.moonhook.dev', expirationSeconds: 3600, path: 'token' },
    ]);
    assert.ok(
      !ofKind(objects, 'RoleBinding').some((binding) => JSON.stringify(binding['subjects']).includes('-runtime')),
    );
  });

  test('roles that show payloads are not part of view', () => {
    const rules = rulesOf('ClusterRole', 'moonhook-view');
    const view = rules.flatMap((rule) => rule.resources as string[]);
    for (const payload of ['functions/logs', 'functions/records', 'functions/kv', 'functions/invoke']) {
      assert.ok(!view.includes(payload), payload);
    }
    // Nothing in it does anything: also not the trial of a proof that somebody made up.
    const verbs = new Set(rules.flatMap((rule) => rule.verbs as string[]));
    assert.deepEqual([...verbs].toSorted(), ['get', 'list', 'watch']);
  });
});

test('every resource and verb of the aggregated API is granted by exactly one of view, edit and admin', () => {
  const objects = renderedObjects();
  const granted = ['view', 'edit', 'admin'].flatMap((role) => {
    const rules = ofKind(objects, 'ClusterRole').find(({ metadata }) => metadata.name === `moonhook-${role}`)?.[
      'rules'
    ];
    return (rules as readonly Readonly<Record<string, readonly string[]>>[]).flatMap(
      ({ apiGroups = [], resources = [], verbs = [] }) =>
        apiGroups.includes('run.moonhook.dev')
          ? resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`))
          : [],
    );
  });
  const offered = resourceCatalogue.flatMap(({ name, verbs, subresources = [] }) => [
    ...verbs.map((verb) => `${verb} ${name}`),
    ...subresources.flatMap((sub) => sub.verbs.map((verb) => `${verb} ${name}/${sub.name}`)),
  ]);
  assert.deepEqual(granted.toSorted(), offered.toSorted());
});

test('the aggregated API is found, trusted and reached only where it is enabled', () => {
  const rendered = (values: ChartValues) =>
    renderedObjects(values).map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
  const own = [
    'APIService /v1alpha1.run.moonhook.dev',
    'RoleBinding kube-system/moonhook-authentication-reader',
    'Service moonhook-system/moonhook-api',
  ];
  const on = rendered({});
  const off = rendered({ 'aggregatedApi.enabled': false });
  for (const object of own) {
    assert.ok(on.includes(object), object);
    assert.ok(!off.includes(object), object);
  }
  const ports = (values: ChartValues): readonly string[] =>
    ofKind(renderedObjects(values), 'NetworkPolicy')
      .filter(({ metadata }) => metadata.name === 'moonhook-controller')
      .flatMap((policy) => policy['spec'].ingress)
      .flatMap((rule: { readonly ports: readonly { readonly port: string }[] }) => rule.ports.map(({ port }) => port));
  assert.ok(ports({}).includes('api'));
  assert.ok(!ports({ 'aggregatedApi.enabled': false }).includes('api'));
});

test('Services of namespaces are opened to runtimes where the policy says so, never the installation or the system', () => {
  const opened = (egress: Readonly<Record<string, unknown>>): readonly unknown[] =>
    ofKind(renderedObjects({ 'policy.egress': egress }), 'NetworkPolicy')
      .filter(({ metadata }) => metadata.name === 'moonhook-runtime')
      .flatMap((policy) => policy['spec'].egress)
      // Rules with ports are those for names and for the controller.
      .filter((rule: { readonly ports?: unknown }) => rule.ports === undefined)
      .flatMap((rule: { readonly to: readonly { readonly namespaceSelector?: unknown }[] }) =>
        rule.to.flatMap(({ namespaceSelector }) => namespaceSelector ?? []),
      );
  const key = 'kubernetes.io/metadata.name';
  assert.deepEqual(opened({}), []);
  assert.deepEqual(opened({ clusterServices: 'Own' }), [
    { matchExpressions: [{ key, operator: 'NotIn', values: ['kube-system', 'moonhook-system'] }] },
  ]);
  assert.deepEqual(opened({ namespaces: { 'team-a': { clusterServices: 'Own' }, 'team-b': {} } }), [
    { matchLabels: { [key]: 'team-a' } },
  ]);
});

describe('values that cannot work are refused with what to do', () => {
  const cases: readonly (readonly [ChartValues, RegExp])[] = [
    [{ 'runtime.replicas': 2 }, /need store\.postgres\.enabled=true/],
    [{ 'runtime.autoscaling.enabled': true }, /need store\.postgres\.enabled=true/],
    [{ 'store.postgres.enabled': true }, /needs store\.postgres\.urlFrom\.secretName/],
    [{ 'ingress.enabled': true }, /needs ingress\.hosts/],
    [{ 'httpRoute.enabled': true }, /needs httpRoute\.parentRefs/],
    [{ 'tenants.namespaces': ['kube-system'] }, /kube-system is never a tenant/],
    [{ 'tenants.namespaces': ['moonhook-system'] }, /moonhook-system is never a tenant/],
    [{ 'runtime.replica': 2 }, /additional properties 'replica' not allowed/],
    [{ 'runtime.workers': 'many' }, /got string, want integer/],
    [{ 'policy.host': [] }, /additional properties 'host' not allowed/],
    [{ 'image.pullPolicy': 'Sometimes' }, /pullPolicy/],
    [{ 'runtime.podLabels': { 'moonhook.dev/runtime-group': 'b' } }, /runtime\.podLabels: .* is set by the chart/],
    [{ 'controller.extraEnv': [{ name: 'MOONHOOK_LINK_AUDIENCE', value: 'x' }] }, /is set by the chart, from its own/],
    [{ 'runtime.extraVolumes': [{ name: 'link-token', emptyDir: {} }] }, /link-token is a volume of the chart/],
  ];
  for (const [values, expected] of cases) {
    test(JSON.stringify(values), () => {
      const rendering = renderChart(values);
      assert.equal(rendering.ok, false);
      if (!rendering.ok) assert.match(rendering.message, expected);
    });
  }
});

test('what values add to pods stands in them, beside what the chart needs', () => {
  const values = combinations['with additions to its pods'];
  assert.ok(values);
  const own = (objects: readonly KubeObject[], kind: string): KubeObject['spec'] =>
    ofKind(objects, kind)[0]?.spec.template;
  const added = renderedObjects(values);
  const plain = renderedObjects({});
  const [runtime, before] = [own(added, 'StatefulSet'), own(plain, 'StatefulSet')];
  assert.deepEqual(runtime.metadata.labels, { ...before.metadata.labels, team: 'platform' });
  const [container, containerBefore] = [runtime.spec.containers[0], before.spec.containers[0]];
  assert.deepEqual(container.env.slice(0, -1), containerBefore.env);
  assert.equal(container.env.at(-1).name, 'NODE_EXTRA_CA_CERTS');
  assert.deepEqual(container.volumeMounts.slice(0, -1), containerBefore.volumeMounts);
  assert.deepEqual(runtime.spec.volumes.slice(0, -1), before.spec.volumes);
  assert.deepEqual(runtime.spec.topologySpreadConstraints, before.spec.topologySpreadConstraints);
  const spread = own(added, 'Deployment').spec.topologySpreadConstraints;
  assert.deepEqual(
    spread.map(({ topologyKey }: { readonly topologyKey: string }) => topologyKey),
    ['example.com/rack'],
  );
});

test('uninstalling leaves the definitions behind, unless told otherwise', () => {
  const policyOf = (values: ChartValues): readonly (string | undefined)[] =>
    ofKind(renderedObjects(values), 'CustomResourceDefinition').map(
      ({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'],
    );
  assert.deepEqual(policyOf({}), ['keep', 'keep']);
  assert.deepEqual(policyOf({ 'crds.keep': false }), [undefined, undefined]);
});

describe('every alert', () => {
  const alerts = parse(readFileSync(join(chartFolder, 'files', 'alerts.yaml'), 'utf8')) as readonly {
    readonly alert: string;
    readonly expr: string;
  }[];

  test('speaks of metrics that exist', () => {
    const known = new Set([...metricsCatalogue, ...controllerMetricsCatalogue].map(({ name }) => metricPrefix + name));
    for (const { alert, expr } of alerts) {
      const used = expr.match(/moonhook_[a-z_]+/g) ?? [];
      assert.ok(used.length > 0, alert);
      for (const name of used) assert.ok(known.has(name), `${alert}: ${name}`);
    }
  });

  test('has a procedure in the guide', () => {
    const guide = readFileSync(join(chartFolder, '..', '..', 'docs', 'guide', 'operations.md'), 'utf8');
    for (const { alert } of alerts) assert.ok(guide.includes(`### ${alert}\n`), alert);
  });
});

test('the plain manifests are what the chart renders', () => {
  const plain = readFileSync(join(chartFolder, '..', 'plain', 'moonhook.yaml'), 'utf8');
  assert.ok(plain === plainManifests(), 'charts/plain/moonhook.yaml is old: run node scripts/render-manifests.ts');
});
