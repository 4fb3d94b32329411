import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFunctionCheck } from '../../src/function/check-function.ts';
import { createSubscriptionCheck } from '../../src/function/check-subscription.ts';
import type { Mistake } from '../../src/function/mistakes.ts';
import type { SchemaNode } from '../../src/function/schema-node.ts';
import { functionSchema } from '../../src/function/schema.ts';
import { subscriptionSchema } from '../../src/function/schema-subscription.ts';
import type { WebhookFunction } from '../../src/function/types.ts';
import { resourcePath, type KubeAnswer } from '../../src/controller/kube-answer.ts';
import { receivers } from '../../src/receivers/catalogue.ts';
import { functionDocuments } from '../builders/function-documents.ts';
import { subscriptionDocuments } from '../builders/subscription-documents.ts';
import { bodyOf, useCluster, type KubectlResult } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster();
const checkFunction = createFunctionCheck(receivers);
const pathOf = (resource: string): string =>
  resourcePath({ apiVersion: 'moonhook.dev/v1alpha1', resource, namespace: 'a' });
const functions = pathOf('webhookfunctions');
const kinds = {
  WebhookFunction: {
    path: functions,
    schema: functionSchema(receivers),
    documents: functionDocuments,
    check: (document: unknown, before: unknown): readonly Mistake[] => {
      const own = checkFunction(document, before as WebhookFunction | undefined);
      return own.ok ? [] : own.mistakes;
    },
  },
  WebhookSubscription: {
    path: pathOf('webhooksubscriptions'),
    schema: subscriptionSchema,
    documents: subscriptionDocuments,
    check: createSubscriptionCheck(),
  },
};

type Resource = {
  readonly metadata: { readonly name?: string; readonly resourceVersion?: string };
  readonly status?: unknown;
};

/** What the API server says on a document that replaces `before`, or is new. Nothing stays. */
async function judge(path: string, document: unknown, before?: unknown): Promise<KubeAnswer<Resource>> {
  assert.ok(cluster);
  const strict = { fieldValidation: 'Strict' };
  const dry = { ...strict, dryRun: 'All' };
  if (before === undefined) return cluster.client.request({ method: 'POST', path, query: dry, body: document });
  const made = bodyOf(await cluster.client.request<Resource>({ method: 'POST', path, query: strict, body: before }));
  const own = `${path}/${made.metadata.name ?? ''}`;
  const next = document as Resource;
  const body = { ...next, metadata: { ...next.metadata, resourceVersion: made.metadata.resourceVersion } };
  const answer = await cluster.client.request<Resource>({ method: 'PUT', path: own, query: dry, body });
  bodyOf(await cluster.client.request({ method: 'DELETE', path: own }));
  return answer;
}

test('the API server judges every document as files are judged', { skip }, async (t) => {
  assert.ok(cluster);
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } };
  bodyOf(await cluster.client.request({ method: 'POST', path: '/api/v1/namespaces', body: namespace }));
  for (const [kind, { path, schema, documents, check }] of Object.entries(kinds)) {
    const rules = rulesOf(schema);
    const broken = new Set<string>();
    for (const { name, accepted, document, before, droppedByServer } of documents) {
      await t.test(`${kind}, ${name}`, async () => {
        const answer = await judge(path, document, before);
        assert.equal(answer.ok, accepted || droppedByServer === true, answer.ok ? 'accepted' : answer.message);
        const own = check(document, before);
        assert.equal(own.length === 0, accepted);
        if (answer.ok) return;
        for (const { message } of own) {
          if (!rules.includes(message)) continue;
          assert.ok(answer.message.includes(message), `${answer.message} lacks ${message}`);
          broken.add(message);
        }
      });
    }
    await t.test(`every rule of ${kind} was broken`, () => {
      assert.deepEqual(
        rules.filter((message) => !broken.has(message)),
        [],
      );
    });
  }
});

function rulesOf(node: SchemaNode): readonly string[] {
  const children = [...Object.values(node.properties ?? {}), ...(node.items === undefined ? [] : [node.items])];
  return [...(node.rules ?? []).map(({ message }) => message), ...children.flatMap(rulesOf)];
}

test('kubectl shows the sentence of a broken rule', { skip }, async () => {
  const both = functionDocuments.find(({ name }) => name === 'value and valueFrom');
  assert.ok(cluster && both);
  const said = await cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(both.document));
  assert.equal(said.code, 1);
  assert.match(said.stderr, /spec\.env\[0\]: Invalid value: .*set exactly one of value and valueFrom/);
});

test('a new function is not ready, by the schema alone', { skip }, async () => {
  const [first] = functionDocuments;
  const { status } = bodyOf(await judge(functions, first?.document));
  const { conditions } = status as {
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
  };
  assert.deepEqual(
    conditions.map(({ type, status }) => `${type}=${status}`),
    ['Ready=Unknown'],
  );
});

interface Explained {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Explained>>;
  readonly items?: Explained;
  readonly allOf?: readonly unknown[];
}

test('the API server explains every field', { skip }, async () => {
  assert.ok(cluster);
  const document = bodyOf(
    await cluster.client.request<{ readonly components: { readonly schemas: Readonly<Record<string, Explained>> } }>({
      path: '/openapi/v3/apis/moonhook.dev/v1alpha1',
    }),
  );
  for (const [kind, schema] of [
    ['WebhookFunction', functionSchema(receivers)],
    ['WebhookSubscription', subscriptionSchema],
  ] as const) {
    const served = document.components.schemas[`dev.moonhook.v1alpha1.${kind}`];
    const missing: string[] = [];
    let fields = 0;
    const compare = (own: SchemaNode, theirs: Explained | undefined, place: string): void => {
      for (const [name, child] of Object.entries(own.properties ?? {})) {
        if (child.localOnly === true || (place === '' && ['apiVersion', 'kind', 'metadata'].includes(name))) continue;
        fields += 1;
        const found = theirs?.properties?.[name];
        if (found?.description !== child.description || !child.description) missing.push(`${place}.${name}`);
        compare(child, found, `${place}.${name}`);
      }
      if (own.items) compare(own.items, theirs?.items, `${place}[]`);
    };
    compare(schema, served, '');
    assert.ok(fields > 30, `only ${fields} fields`);
    assert.deepEqual(missing, []);
  }
});

test('kubectl explain prints the description of a field', { skip }, async () => {
  assert.ok(cluster);
  for (const field of ['spec.triggers.http.receiver', 'spec.triggers.kubernetes.changed', 'status.servingRevision']) {
    const explained: KubectlResult = await cluster.kubectl(['explain', `whf.${field}`]);
    assert.equal(explained.code, 0);
    assert.match(explained.stdout, /DESCRIPTION:\n {4}\S+/, field);
  }
});

test('the largest function goes through both kinds of apply', { skip }, async () => {
  assert.ok(cluster);
  const line = '-- a line of a comment that is as long as lines are, give or take a few\n';
  const text = `${line.repeat(Math.floor((128 * 1024 - 32) / line.length))}return 1\n`;
  const document = {
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookFunction',
    metadata: { name: 'largest', namespace: 'a' },
    spec: { code: text, triggers: [{ name: 'a', http: { path: 'x', receiver: { open: {} } } }] },
  };
  const client = await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(document));
  assert.equal(client.code, 0, client.stderr);
  const server = await cluster.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(document));
  assert.equal(server.code, 0, server.stderr);
});
