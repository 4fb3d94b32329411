/** Runtime groups in the chart: what each has of its own, who reaches it, and which requests are led to it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { groupsByAccount, groupsByService } from '../../src/controller/group-names.ts';
import { defaultPolicy } from '../../src/policy/installation-policy.ts';
import { readPolicy } from '../../src/policy/read-policy.ts';
import { readFencedBlocks } from '../builders/read-markdown.ts';
import { chartFolder, renderChart, renderedObjects, type ChartValues, type KubeObject } from './render-chart.ts';

const runtimeGroups = [
  { name: 'payments', namespaces: ['bank', 'ledger'], runtime: { resources: { limits: { memory: '3Gi' } } } },
  {
    name: 'big',
    namespaces: ['lake'],
    runtime: { replicas: 3, workers: 4 },
    store: { adopt: 'uid/ns/moonhook/big', postgres: { enabled: true, urlFrom: { secretName: 'lake-database' } } },
    networkPolicyPostgres: { cidrs: ['10.9.9.9/32'] },
  },
];
const values: ChartValues = {
  runtimeGroups,
  runtimeMoves: [{ namespace: 'bank', from: 'default' }],
  'policy.egress': { clusterServices: 'Own' },
  'policy.hosts': [
    { host: '*', publicUrl: 'http://hooks.example.com', namespaces: ['*'], mount: '/{namespace}' },
    { host: 'pay.example.com', namespaces: ['bank'], mount: '/' },
  ],
  ingress: { enabled: true, hosts: ['hooks.example.com', 'pay.example.com'] },
  httpRoute: { enabled: true, parentRefs: [{ name: 'public' }], hostnames: ['hooks.example.com', 'pay.example.com'] },
};
const objects = renderedObjects(values);
const ofKind = (kind: string, from = objects): readonly KubeObject[] => from.filter((object) => object.kind === kind);
const named = (kind: string, name: string): KubeObject => {
  const found = ofKind(kind).find(({ metadata }) => metadata.name === name);
  assert.ok(found, `${kind} ${name}`);
  return found;
};
const workloads = [
  named('StatefulSet', 'moonhook-runtime'),
  named('StatefulSet', 'moonhook-runtime-payments'),
  named('Deployment', 'moonhook-runtime-big'),
];

type Labels = Readonly<Record<string, string>>;
const matches = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);
/** Names of the workloads whose pods a selector means. */
const meant = (selector: Labels): readonly string[] =>
  workloads
    .filter(({ spec }) => matches(selector, spec.template.metadata.labels as Labels))
    .map(({ metadata }) => metadata.name);

describe('a chart with runtime groups', () => {
  test('renders the same twice, and no object has a name twice', () => {
    assert.deepEqual(renderChart(values), renderChart(values));
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
    assert.equal(new Set(names).size, names.length);
  });

  test('every Service, policy and budget means the pods of one group alone', () => {
    const one: readonly (readonly [string, string, string])[] = [
      ['Service', 'moonhook', 'moonhook-runtime'],
      ['Service', 'moonhook-calls', 'moonhook-runtime'],
      ['Service', 'moonhook-public-payments', 'moonhook-runtime-payments'],
      ['Service', 'moonhook-calls-payments', 'moonhook-runtime-payments'],
      ['Service', 'moonhook-public-big', 'moonhook-runtime-big'],
      ['Service', 'moonhook-calls-big', 'moonhook-runtime-big'],
      ['NetworkPolicy', 'moonhook-runtime', 'moonhook-runtime'],
      ['NetworkPolicy', 'moonhook-runtime-payments', 'moonhook-runtime-payments'],
      ['NetworkPolicy', 'moonhook-runtime-big', 'moonhook-runtime-big'],
      ['PodDisruptionBudget', 'moonhook-runtime-big', 'moonhook-runtime-big'],
    ];
    for (const [kind, name, workload] of one) {
      const { spec } = named(kind, name);
      const selector = kind === 'Service' ? spec.selector : (spec.podSelector ?? spec.selector).matchLabels;
      assert.deepEqual(meant(selector as Labels), [workload], `${kind} ${name}`);
    }
    for (const { metadata, spec } of workloads) assert.deepEqual(meant(spec.selector.matchLabels), [metadata.name]);
    const [links] = named('NetworkPolicy', 'moonhook-controller').spec.ingress;
    const allowed = links.from.flatMap(({ podSelector }: { podSelector: { matchLabels: Labels } }) =>
      meant(podSelector.matchLabels),
    );
    assert.deepEqual(new Set(allowed), new Set(workloads.map(({ metadata }) => metadata.name)));
  });

  test('each group has an account, a store and figures of its own, under the names that the controller looks for', () => {
    const text = named('ConfigMap', 'moonhook-policy')['data']['policy.yaml'] as string;
    const reading = readPolicy(parse(text), defaultPolicy('http://example.test'), { local: false });
    assert.ok(reading.ok, JSON.stringify(reading));
    const groups = reading.policy.runtimeGroups;
    assert.deepEqual(groups, {
      names: ['payments', 'big'],
      placed: { bank: 'payments', ledger: 'payments', lake: 'big' },
      leaving: { bank: ['default'] },
    });
    const accounts = groupsByAccount('moonhook-runtime', groups);
    for (const { spec } of workloads) {
      const pod = spec.template.spec;
      const [container] = pod.containers;
      const environment = (name: string) => container.env.find((each: { name: string }) => each.name === name);
      assert.equal(accounts.get(pod.serviceAccountName as string), environment('MOONHOOK_GROUP')?.value ?? 'default');
      named('ServiceAccount', pod.serviceAccountName as string);
      assert.equal(pod.automountServiceAccountToken, false);
    }
    for (const service of groupsByService('moonhook', groups).keys()) named('Service', service);
    const [common, payments, big] = workloads.map(({ spec }) => spec.template.spec.containers[0]);
    assert.equal(common.resources.limits.memory, '1536Mi');
    assert.equal(payments.resources.limits.memory, '3Gi');
    assert.equal(payments.resources.requests.memory, common.resources.requests.memory);
    assert.deepEqual(big.env.find(({ name }: { name: string }) => name === 'MOONHOOK_STORE_URL').valueFrom, {
      secretKeyRef: { name: 'lake-database', key: 'url' },
    });
    const adopting = [common, payments, big].map(({ env }) => JSON.stringify(env).includes('MOONHOOK_STORE_ADOPT'));
    assert.deepEqual(adopting, [false, false, true]);
    assert.equal(workloads[2]?.spec.replicas, 3);
    assert.ok(workloads[1]?.spec.volumeClaimTemplates);
  });

  test('runtimes reach the database and the Services of their own group only', () => {
    const egress = (name: string): string => JSON.stringify(named('NetworkPolicy', name).spec.egress);
    assert.ok(egress('moonhook-runtime-big').includes('10.9.9.9/32'));
    for (const other of ['moonhook-runtime', 'moonhook-runtime-payments']) {
      assert.ok(!egress(other).includes('10.9.9.9/32') && !egress(other).includes('5432'));
    }
    assert.ok(
      egress('moonhook-runtime').includes('"operator":"NotIn","values":["kube-system","moonhook-system","bank"'),
    );
    assert.ok(egress('moonhook-runtime-payments').includes('"operator":"In","values":["bank","ledger"]'));
    const alone = renderedObjects({
      runtimeGroups,
      'policy.egress': { namespaces: { bank: { clusterServices: 'Own' }, shop: { clusterServices: 'Own' } } },
    }).filter(({ kind }) => kind === 'NetworkPolicy');
    const open = (name: string): readonly string[] =>
      ['bank', 'shop'].filter((namespace) =>
        JSON.stringify(alone.find(({ metadata }) => metadata.name === name)?.['spec'].egress).includes(
          `"${namespace}"`,
        ),
      );
    assert.deepEqual(open('moonhook-runtime'), ['shop']);
    assert.deepEqual(open('moonhook-runtime-payments'), ['bank']);
    assert.deepEqual(open('moonhook-runtime-big'), []);
  });

  const led = {
    'hooks.example.com': {
      '/': 'moonhook',
      '/bank': 'moonhook-public-payments',
      '/lake': 'moonhook-public-big',
      '/ledger': 'moonhook-public-payments',
    },
    'pay.example.com': { '/': 'moonhook-public-payments' },
  };

  test('an Ingress leads each namespace to its group, and a host with absolute paths to the group that has it', () => {
    const rules = named('Ingress', 'moonhook').spec.rules as readonly {
      readonly host: string;
      readonly http: { readonly paths: readonly { path: string; backend: { service: { name: string } } }[] };
    }[];
    assert.deepEqual(
      Object.fromEntries(
        rules.map(({ host, http }) => [
          host,
          Object.fromEntries(http.paths.map(({ path, backend }) => [path, backend.service.name])),
        ]),
      ),
      led,
    );
  });

  test('HTTPRoutes lead the same, with one rule for each group', () => {
    const found = ofKind('HTTPRoute').map(({ spec }) => [
      spec.hostnames[0],
      Object.fromEntries(
        (
          spec.rules as readonly {
            readonly matches: readonly { readonly path: { readonly value: string } }[];
            readonly backendRefs: readonly { readonly name: string }[];
          }[]
        ).flatMap(({ matches: each, backendRefs }) => each.map(({ path }) => [path.value, backendRefs[0]?.name])),
      ),
    ]);
    assert.deepEqual(Object.fromEntries(found), led);
    assert.equal(ofKind('HTTPRoute')[0]?.['spec'].rules.length, 3);
  });
});

test('the values of the guide render, together and each alone', () => {
  const page = join(chartFolder, '..', '..', 'docs', 'guide', 'runtime-groups.md');
  const blocks = readFencedBlocks(page).filter(({ words }) => words.includes('file=values.yaml'));
  assert.equal(blocks.length, 3);
  const all: Record<string, unknown> = {};
  for (const { text } of blocks) {
    const own = parse(text) as ChartValues;
    const rendering = renderChart(own);
    assert.ok(rendering.ok, rendering.ok ? '' : rendering.message);
    Object.assign(all, own);
  }
  const text = ofKind('ConfigMap', renderedObjects(all))[0]?.['data']['policy.yaml'] as string;
  const reading = readPolicy(parse(text), defaultPolicy('http://example.test'), { local: false });
  assert.deepEqual(reading.ok ? [] : reading.mistakes, []);
});

describe('groups that cannot work are refused with what to do', () => {
  const group = { name: 'payments', namespaces: ['bank'] };
  const database = { postgres: { enabled: true, urlFrom: { secretName: 'db' } } };
  const cases: readonly (readonly [string, ChartValues, RegExp])[] = [
    ['two of one name', { runtimeGroups: [group, { ...group, namespaces: [] }] }, /"payments" stands twice/],
    ['the default group', { runtimeGroups: [{ ...group, name: 'default' }] }, /runtimeGroups/],
    [
      'a namespace in two',
      { runtimeGroups: [group, { ...group, name: 'b' }] },
      /namespace bank is in payments and in b/,
    ],
    [
      'several runtimes on SQLite',
      { runtimeGroups: [{ ...group, runtime: { replicas: 2 } }] },
      /runtimeGroups payments: runtime\.replicas above 1/,
    ],
    [
      'one database for two',
      { store: database, runtimeGroups: [{ ...group, store: database }] },
      /the database of db\/url is that of the group default, too/,
    ],
    [
      'a database without a Secret',
      { runtimeGroups: [{ ...group, store: { postgres: { enabled: true } } }] },
      /secretName/,
    ],
    ['a long name', { fullnameOverride: 'a'.repeat(40), runtimeGroups: [group] }, /longer than the 52 characters/],
    [
      'an unknown field',
      { runtimeGroups: [{ ...group, replicas: 2 }] },
      /additional properties 'replicas' not allowed/,
    ],
    [
      'all namespaces beside absolute paths',
      {
        runtimeGroups: [group],
        'policy.hosts': [
          { host: 'a.example.com', namespaces: ['bank'], mount: '/' },
          { host: 'a.example.com', namespaces: ['*'], mount: '/{namespace}' },
        ],
        ingress: { enabled: true, hosts: ['a.example.com'] },
      },
      /all namespaces \("\*"\) need another host/,
    ],
  ];
  for (const [name, wrong, expected] of cases) {
    test(name, () => {
      const rendering = renderChart(wrong);
      assert.equal(rendering.ok, false);
      if (!rendering.ok) assert.match(rendering.message, expected);
    });
  }
});
