/** What lists and stories say of deliveries that are due and do not run: handlers, limits, breakers. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { startLocal } from '../builders/local-run.ts';
import { answer, startReceiver } from '../builders/webhook-receiver.ts';

interface Delivery {
  readonly metadata: { readonly name: string };
  readonly event: { readonly id: string };
  readonly state: string;
  readonly waitsFor?: string;
}

const files = (url: string): string => `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: work, namespace: team-a }
spec:
  code: |
    return {
      job = function(event) assert(http.get("${url}/hold", { timeout = 60 })) end,
      both = function(event) assert(http.get("${url}/hold", { timeout = 60 })) end,
    }
  limits: { timeout: 2m }
  triggers:
    - name: job
      http:
        path: job
        mode: async
        concurrency: { key: event.data.tenant, limit: 1 }
        receiver: { open: {} }
    - name: both
      http: { path: both, mode: async, concurrency: { limit: 1 }, receiver: { open: {} } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: partner, namespace: team-a }
spec:
  url: ${url}/partner
  events: ['com.acme.*']
  retry: { schedule: [] }
  concurrency: 1
  secretRefs: [{ name: partner, key: secret }]
---
apiVersion: v1
kind: Secret
metadata: { name: partner, namespace: team-a, labels: { moonhook.dev/functions: "true" } }
stringData: { secret: "0123456789abcdef0123" }
`;

test('a delivery that is due and does not run says what keeps it', { timeout: 120_000 }, async (t) => {
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const held: ServerResponse[] = [];
  receiver.on('/hold', (response) => void held.push(response));
  receiver.on('/partner', answer(500));
  const local = await startLocal(t, {
    files: { 'hooks.yaml': files(receiver.url) },
    options: { egressAllow: ['127.0.0.1'] },
  });
  const { admin, calls } = local.run.addresses;
  const authorization = `Bearer ${local.token}`;
  const json = { 'content-type': 'application/json' };
  const ask = async (path: string): Promise<Record<string, unknown>> =>
    (await (await fetch(`${admin}/-/api${path}`, { headers: { authorization } })).json()) as Record<string, unknown>;
  /** The story of the first of the destination that says this. A thread that is late is left out of an answer: then none does. */
  async function waits(query: string, pattern: RegExp): Promise<string> {
    let items: readonly Delivery[] = [];
    return await eventually(
      String(pattern),
      async () => {
        items = (await ask(`/namespaces/team-a/deliveries?${query}`))['items'] as readonly Delivery[];
        const found = items.find(({ waitsFor = '' }) => pattern.test(waitsFor));
        if (found === undefined) return false;
        const { lines } = await ask(`/explain?id=${found.metadata.name}&namespace=team-a`);
        const story = (lines as readonly string[]).join('\n');
        return story.includes('\n  waits: ') && story;
      },
      () => items,
    );
  }

  await t.test('leased, and behind another of its concurrency key', async () => {
    for (let count = 0; count < 2; count += 1) {
      await local.fetch('/team-a/job', { method: 'POST', headers: json, body: '{"tenant":"a"}' });
    }
    // Until it runs, the first has its turn to come as well.
    await eventually('the first runs', () => held.length === 1);
    const story = await waits('state=leased&function=work&trigger=job', /^its turn: limits hold it back$/);
    assert.match(story, /trigger job: about to run\n.*\n {2}waits: its turn/);
    await eventually('the one that runs says nothing', async () => {
      const leased = (await ask('/namespaces/team-a/deliveries?state=leased'))['items'] as readonly Delivery[];
      return leased.filter(({ waitsFor }) => waitsFor === undefined).length === 1;
    });
  });

  await t.test('behind the concurrency of its trigger', async () => {
    for (let count = 0; count < 2; count += 1) await local.fetch('/team-a/both', { method: 'POST' });
    await waits('state=waiting&function=work&trigger=both', /^the trigger's concurrency: 1 of its calls run$/);
  });

  await t.test('for a handler that the module does not have', async () => {
    const accepted = await fetch(`${calls}/async-function/team-a/work`, { method: 'POST', headers: { authorization } });
    assert.equal(accepted.status, 202);
    const story = await waits('state=waiting&function=work', /^the module has no handler "default"; it has both, job$/);
    assert.match(story, /handler default: waiting\n {2}not tried yet\n {2}waits: the module has no handler/);
  });

  await t.test('behind an open breaker', async () => {
    for (let count = 0; count < 14; count += 1) {
      const body = JSON.stringify({ specversion: '1.0', type: 'com.acme.x', source: '/test', id: `e-${count}` });
      const headers = { authorization, 'content-type': 'application/cloudevents+json' };
      assert.equal((await fetch(`${calls}/events/team-a`, { method: 'POST', headers, body })).status, 202);
    }
    const story = await waits(
      'state=waiting&subscription=partner',
      /^the breaker is open after failures: its host is left alone until 20[-\d]+T[:.\d]+Z$/,
    );
    assert.doesNotMatch(story, /due now/);
  });

  receiver.on('/hold', answer(200));
  for (const response of held) response.writeHead(200).end();
});
