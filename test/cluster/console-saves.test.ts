/** Saving from the console against a real API server: by server-side apply, and never over what somebody else looks after. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { openClusterDesk } from '../../src/cli/ask-cluster.ts';
import { createInCluster } from '../../src/cli/create-in-cluster.ts';
import { readFunctionText, saveFunctionText } from '../../src/cli/cluster-functions.ts';
import type { ManagedFields } from '../../src/cli/owned-fields.ts';
import type { KubeObject } from '../../src/controller/kube-object.ts';
import { apply, functionPath, makeNamespace, webhookFunction } from '../kube/run-controller.ts';
import { bodyOf, useCluster } from '../kube/with-control-plane.ts';

const { cluster, skip } = await useCluster();

interface Stored extends KubeObject {
  readonly metadata: KubeObject['metadata'] & { readonly managedFields: readonly ManagedFields[] };
  readonly spec: Readonly<Record<string, unknown>>;
}

const spec = {
  code: 'return function() return "one" end\n',
  limits: { timeout: '2s' },
  triggers: [
    { name: 'web', http: { path: 'one', receiver: { open: {} } } },
    { name: 'side', http: { path: 'two', receiver: { open: {} } } },
  ],
};

async function start(name: string) {
  assert.ok(cluster);
  const { client, plane } = cluster;
  const opened = openClusterDesk({ kubeconfig: plane.kubeconfig });
  assert.ok(opened.ok);
  const desk = opened.value;
  await makeNamespace(client, 'team-a');
  const path = functionPath('team-a', name);
  return {
    desk,
    client,
    path,
    read: async () => bodyOf(await client.request<Stored>({ path })),
    text: async () => {
      const text = await readFunctionText(desk, 'team-a', name);
      assert.ok(text);
      return text;
    },
    save: (yaml: string, basedOn: string, takeOver = false) =>
      saveFunctionText(desk, 'team-a', name, { draft: { yaml }, basedOn, takeOver }),
  };
}

const managersOf = ({ metadata }: Stored): readonly string[] =>
  metadata.managedFields.map(({ manager = '', operation = '' }) => `${manager} ${operation}`).toSorted();

test('what nobody else looks after is written at once, and only that becomes ours', { skip }, async () => {
  const { client, path, read, text, save } = await start('adds');
  await apply(client, path, webhookFunction('adds', spec));
  const before = await text();
  const saved = await save(before.yaml.replace('timeout: 2s', 'timeout: 2s\n    memory: 16Mi'), before.version);
  assert.equal(saved.kind, 'saved');
  const stored = await read();
  assert.deepEqual(stored.spec['limits'], { timeout: '2s', memory: '16Mi' });
  const own = stored.metadata.managedFields.find(({ manager }) => manager === 'moonhook-console');
  assert.equal(own?.operation, 'Apply');
  assert.deepEqual(own.fieldsV1, { 'f:spec': { 'f:limits': { 'f:memory': {} } } });
  // Whoever looks after the rest goes on without a word from us, and what is ours stays.
  const query = { fieldManager: 'test' };
  const contentType = 'application/apply-patch+yaml';
  const body = webhookFunction('adds', { ...spec, code: 'return function() return "two" end\n' });
  assert.ok((await client.request({ method: 'PATCH', path, query, contentType, body })).ok);
  assert.deepEqual((await read()).spec['limits'], { timeout: '2s', memory: '16Mi' });
  // A second edit of ours, and taking ours away again.
  const mine = await text();
  const again = await save(mine.yaml.replace('16Mi', '32Mi'), mine.version);
  assert.ok(again.kind === 'saved');
  const gone = await save(again.text.yaml.replace(/\n {4}memory: 32Mi/, ''), again.text.version);
  assert.equal(gone.kind, 'saved');
  assert.deepEqual((await read()).spec['limits'], { timeout: '2s' });
});

test('fields of others are told with their owners; they are left, or taken over', { skip }, async () => {
  const { client, path, read, text, save } = await start('owned');
  await apply(client, path, webhookFunction('owned', spec));
  const before = await text();
  const draft = before.yaml.replace('"one"', '"mine"').replace('timeout: 2s', 'timeout: 2s\n    memory: 16Mi');
  const asked = await save(draft, before.version);
  assert.ok(asked.kind === 'owned');
  assert.deepEqual(
    asked.fields.map(({ field, owners }) => [field, owners]),
    [['.spec.code', ['test']]],
  );
  assert.match(asked.fields[0]?.theirs ?? '', /"one"/);
  assert.match(asked.fields[0]?.mine ?? '', /"mine"/);
  assert.deepEqual((await read()).spec['limits'], { timeout: '2s' }, 'nothing was written');
  const left = await save(asked.yielded.yaml, before.version);
  assert.ok(left.kind === 'saved');
  assert.deepEqual((await read()).spec['limits'], { timeout: '2s', memory: '16Mi' });
  assert.equal((await read()).spec['code'], spec.code);
  const taken = await save(left.text.yaml.replace('"one"', '"mine"'), left.text.version, true);
  assert.ok(taken.kind === 'saved');
  assert.match(String((await read()).spec['code']), /"mine"/);
  // Ours now: asked no more, and the other is told.
  assert.equal((await save(taken.text.yaml.replace('"mine"', '"more"'), taken.text.version)).kind, 'saved');
  const query = { fieldManager: 'test' };
  const contentType = 'application/apply-patch+yaml';
  const refused = await client.request({
    method: 'PATCH',
    path,
    query,
    contentType,
    body: webhookFunction('owned', spec),
  });
  assert.ok(!refused.ok && /moonhook-console/.test(refused.message));
});

test('what others look after is taken away only when that was chosen', { skip }, async () => {
  const { client, path, read, text, save } = await start('removes');
  await apply(client, path, webhookFunction('removes', spec));
  const before = await text();
  const kept = parse(before.yaml) as { spec: { triggers: unknown[] } };
  kept.spec.triggers.pop();
  const draft = JSON.stringify(kept);
  const asked = await save(draft, before.version);
  assert.ok(asked.kind === 'owned');
  assert.deepEqual(
    asked.fields.map(({ field, owners, mine }) => [field, owners, mine]),
    [['.spec.triggers[name="side"]', ['test'], '']],
  );
  assert.equal(((await read()).spec['triggers'] as unknown[]).length, 2);
  // Left to them, nothing is to be written.
  const left = await save(asked.yielded.yaml, before.version);
  assert.ok(left.kind === 'saved' && left.text.version === before.version);
  const taken = await save(draft, before.version, true);
  assert.ok(taken.kind === 'saved');
  assert.deepEqual(
    ((await read()).spec['triggers'] as { name: string }[]).map(({ name }) => name),
    ['web'],
  );
});

test('what changed since it was read is shown, whoever changed it, the console itself included', { skip }, async () => {
  const { client, path, read, text, save } = await start('meanwhile');
  await apply(client, path, webhookFunction('meanwhile', spec));
  const before = await text();
  const other = await save(before.yaml.replace('timeout: 2s', 'timeout: 2s\n    memory: 16Mi'), before.version);
  assert.equal(other.kind, 'saved');
  const late = before.yaml.replace('timeout: 2s', 'timeout: 2s\n    memory: 64Mi');
  for (const takeOver of [false, true]) {
    const conflict = await save(late, before.version, takeOver);
    assert.ok(conflict.kind === 'conflict');
    assert.match(conflict.theirs.yaml, /memory: 16Mi/);
  }
  assert.deepEqual((await read()).spec['limits'], { timeout: '2s', memory: '16Mi' });
  // Between our reading and our writing: the API server refuses by the version in the apply.
  assert.ok(cluster);
  const opened = openClusterDesk({ kubeconfig: cluster.plane.kubeconfig });
  assert.ok(opened.ok);
  const desk = opened.value;
  const now = await text();
  let raced = false;
  const racing: Pick<typeof desk, 'ask'> = {
    ask: async (request) => {
      const answer = await desk.ask(request);
      if (!raced && request.method === undefined) {
        raced = true;
        const faster = await save(now.yaml.replace('16Mi', '24Mi'), now.version);
        assert.equal(faster.kind, 'saved');
      }
      return answer;
    },
  };
  const lost = await saveFunctionText(racing, 'team-a', 'meanwhile', {
    draft: { yaml: now.yaml.replace('16Mi', '48Mi') },
    basedOn: now.version,
    takeOver: false,
  });
  assert.ok(lost.kind === 'conflict');
  assert.deepEqual((await read()).spec['limits'], { timeout: '2s', memory: '24Mi' });
});

test('what the API server refuses is told in its words, and nothing is written', { skip }, async () => {
  const { client, path, read, text, save } = await start('refused');
  await apply(client, path, webhookFunction('refused', spec));
  const before = await text();
  for (const [draft, words] of [
    [before.yaml.replace('timeout: 2s', 'timeout: 2s\n    timeot: 3s'), /timeot/],
    [before.yaml.replace('timeout: 2s', 'timeout: 2s\n    memory: soon'), /memory/],
    ['x: [', /./],
    [before.yaml.replace('name: refused', 'name: other'), /holds no WebhookFunction team-a\/refused/],
  ] as const) {
    const result = await save(draft, before.version);
    assert.ok(result.kind === 'refused', draft);
    assert.match(result.message, words);
  }
  assert.deepEqual((await read()).spec, spec);
});

test('a new function is made with its Secret, is ours, and is never made over another', { skip }, async () => {
  const { desk, client, read, text, save } = await start('pushes');
  const made = await createInCluster(desk, { name: 'pushes', namespace: 'team-a', from: 'receiver:github' });
  assert.ok(made.kind === 'created');
  assert.deepEqual(made.secretPlace, { kind: 'secret', name: 'team-a/pushes' });
  const secretPath = '/api/v1/namespaces/team-a/secrets/pushes';
  const secret = bodyOf(await client.request<KubeObject & { data: Record<string, string> }>({ path: secretPath }));
  assert.equal(Buffer.from(secret.data['secret'] ?? '', 'base64').toString(), made.secrets[0]?.value);
  assert.equal(secret.metadata.labels?.['moonhook.dev/functions'], 'true');
  assert.deepEqual(managersOf(await read()), ['moonhook-console Update']);
  // What the console made is edited without a question, and fields of it are taken away.
  const before = await text();
  const edited = await save(before.yaml.replace('"received"', '"took"'), before.version);
  assert.ok(edited.kind === 'saved');
  const labelled = await save(
    edited.text.yaml.replace('namespace: team-a', 'namespace: team-a\n  labels: { a: b }'),
    edited.text.version,
  );
  assert.ok(labelled.kind === 'saved');
  const bare = parse(labelled.text.yaml) as { metadata: { labels?: unknown }; spec: { triggers?: unknown } };
  delete bare.metadata.labels;
  delete bare.spec.triggers;
  const stripped = await save(JSON.stringify(bare), labelled.text.version);
  assert.equal(stripped.kind, 'saved');
  assert.equal((await read()).spec['triggers'], undefined);
  assert.equal((await read()).metadata.labels, undefined);
  for (const [order, words] of [
    [{ name: 'pushes', namespace: 'team-a', from: 'receiver:github' }, /there is a function team-a\/pushes already/],
    [{ name: 'Not one', namespace: 'team-a', from: 'receiver:open' }, /is not a name/],
    [{ name: 'x', namespace: '../kube-system', from: 'receiver:open' }, /is not a name/],
    [{ name: 'x', namespace: 'team-a', from: 'receiver:nobody' }, /no starting point/],
    [{ name: 'x', namespace: 'nowhere', from: 'receiver:open' }, /namespaces "nowhere" not found/],
  ] as const) {
    const refused = await createInCluster(desk, order);
    assert.ok(refused.kind === 'refused', JSON.stringify(order));
    assert.match(refused.message, words);
  }
  // A Secret of that name is somebody's: it is not touched, and no function is made.
  await apply(client, '/api/v1/namespaces/team-a/secrets/taken', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'taken' },
    stringData: { secret: 'theirs' },
  });
  const taken = await createInCluster(desk, { name: 'taken', namespace: 'team-a', from: 'receiver:github' });
  assert.ok(taken.kind === 'refused' && /Secret team-a\/taken was not made.*already exists/s.test(taken.message));
  assert.equal((await client.request({ path: functionPath('team-a', 'taken') })).ok, false);
});
