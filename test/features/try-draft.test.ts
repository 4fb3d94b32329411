/** A draft that is tried runs in full, and touches nothing but what it is given. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { tryDraft } from '../../src/cli/try-draft.ts';
import { TryRefused } from '../../src/cli/isolate-draft.ts';
import { startTryRun } from '../../src/cli/try-run.ts';
import { readDevSettings } from '../../src/settings/dev-settings.ts';

const yaml = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: deploys }
spec:
  codeFrom: { file: deploys.lua }
  serviceAccountName: deploys
  env: [{ name: TOKEN, valueFrom: { secretKeyRef: { name: chat, key: token } } }]
  egress: { allow: [api.example.com] }
  triggers:
    - { name: push, http: { path: gh, receiver: { github: { secretRefs: [{ name: github, key: secret }] } } } }
    - { name: crash, kubernetes: { apiVersion: v1, kind: Pod } }
`;
const lua = `return function(event)
  local sent = http.post("https://api.example.com/say", { json = { by = env.TOKEN } })
  local _, elsewhere = http.get("https://other.example/")
  local _, unanswered = http.get("https://api.example.com/none")
  local pod, missing = k8s.get("v1", "Pod", "web-1")
  return { json = {
    said = sent and sent.body, rule = elsewhere.rule, unanswered = unanswered.message,
    phase = pod and pod.status.phase, missing = missing and missing.reason, header = event.request and event.request.headers["x-own"],
  } }
end
`;
const draft = { yaml, lua, luaFile: 'deploys.lua' };
const answers = [
  { method: 'POST', url: 'https://api.example.com/*', status: 200, headers: [], body: 'heard' },
] as const;

test('requests are answered by the table within the rules of egress, and told with what they sent', async () => {
  const report = await tryDraft('default', 'deploys', draft, {
    trigger: 'push',
    event: 'push',
    network: 'table',
    answers,
    headers: [['x-own', 'mine']],
    secrets: { 'chat.token': 'a "quoted" $token\n' },
  });
  assert.equal(report.status, 200, report.body);
  const { said, rule, unanswered, missing, header } = JSON.parse(report.body) as Record<string, string>;
  assert.deepEqual([said, rule, missing, header], ['heard', 'host', 'NotFound', 'mine']);
  assert.match(unanswered ?? '', /nothing was sent/);
  assert.deepEqual(
    report.requests.map(({ method, url, body, status }) => [method, url, body, status]),
    [
      ['POST', 'https://api.example.com/say', '{"by":"a \\"quoted\\" $token\\n"}', 200],
      ['GET', 'https://api.example.com/none', '', undefined],
    ],
  );
  assert.ok(report.sent?.headers.some(([name]) => name === 'x-hub-signature-256'));
});

test('a change in the cluster is tried on objects that are given', async () => {
  const report = await tryDraft('default', 'deploys', draft, {
    trigger: 'crash',
    body: '{"object":{"metadata":{"name":"web-1"}}}',
    network: 'table',
    answers,
    objects: 'apiVersion: v1\nkind: Pod\nmetadata: { name: web-1 }\nstatus: { phase: Running }\n',
  });
  assert.equal((JSON.parse(report.body) as { readonly phase?: string }).phase, 'Running');
  assert.deepEqual(
    report.kubernetes.map(({ operation, name, result }) => [operation, name, result]),
    [['get', 'web-1', 'ok']],
  );
});

test('a draft that cannot run says why', async () => {
  const order = { trigger: 'push', network: 'table' } as const;
  await assert.rejects(tryDraft('default', 'deploys', { ...draft, lua: 'return functio' }, order), TryRefused);
  await assert.rejects(
    tryDraft('default', 'deploys', draft, { ...order, objects: 'kind: Pod' }),
    /each needs apiVersion/,
  );
  // A server of nobody's: the signed request would reach it.
  const heard: string[] = [];
  const other = createServer((request, response) => {
    heard.push(request.url ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  await assert.rejects(
    tryDraft('default', 'deploys', draft, { ...order, path: `//127.0.0.1:${port}/x` }),
    /leads elsewhere/,
  );
  assert.deepEqual(heard, []);
  await fetch(`http://127.0.0.1:${port}/control`);
  assert.deepEqual(heard, ['/control']);
  other.closeAllConnections();
  other.close();
});

test('a store that the environment names for `moonhook dev` is not that of a try', async (t) => {
  const before = process.env['MOONHOOK_STORE_URL'];
  t.after(() => {
    if (before === undefined) delete process.env['MOONHOOK_STORE_URL'];
    else process.env['MOONHOOK_STORE_URL'] = before;
  });
  // Nobody listens there: whoever opens it fails.
  process.env['MOONHOOK_STORE_URL'] = 'postgres://moonhook@127.0.0.1:1/live';
  const dev = readDevSettings({});
  assert.ok(dev.ok && dev.settings.storeUrl !== undefined, 'control: a run of its own would open it');
  const run = await startTryRun('table');
  assert.ok(run.run.storeAt.startsWith(run.folder), run.run.storeAt);
  await run.end();
});
