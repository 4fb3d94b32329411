import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SubscriptionSpec } from '../function/subscription-types.ts';
import { buildInput, reference } from '../../test/builders/webhook-function.ts';
import { buildRouteTable, type BuildResult } from './build-route-table.ts';
import type { SubscriptionInput } from './build-subscription.ts';
import { applyChanges, diffTables } from './diff-tables.ts';
import { dumpTable } from './dump-table.ts';
import type { SubscriptionEntry } from './subscription-entry.ts';
import type { RouteTable } from './types.ts';
import { decodeSubscription, encodeSubscription } from './wire-format.ts';

const secret = 'a secret of thirty bytes, at least';

function subscription(name = 'orders', spec: Partial<SubscriptionSpec> = {}, namespace = 'team-a'): SubscriptionInput {
  return {
    namespaceUid: `uid-${namespace}`,
    resource: {
      apiVersion: 'moonhook.dev/v1alpha1',
      kind: 'WebhookSubscription',
      metadata: {
        name,
        namespace,
        uid: `uid-${namespace}-${name}`,
        generation: 1,
        creationTimestamp: `2025-01-01T00:00:0${name.length % 10}Z`,
      },
      spec: {
        ...(spec.urlFrom === undefined ? { url: 'https://hooks.example.com/in' } : {}),
        events: ['com.acme.*'],
        secretRefs: [{ name: 'signing', key: 'secret' }],
        ...spec,
      },
    },
  };
}

const references = (more: readonly ReturnType<typeof reference>[] = []) =>
  new Map([reference('Secret', 'signing', { secret, short: 'short' }), ...more]);

function build(
  inputs: readonly SubscriptionInput[],
  parts: Partial<Parameters<typeof buildInput>[1]> = {},
): BuildResult {
  return buildRouteTable({ ...buildInput([], { references: references(), ...parts }), subscriptions: inputs });
}

function only(result: BuildResult): { readonly entry: SubscriptionEntry; readonly said: readonly string[] } {
  const [entry] = result.subscriptions.entries.values();
  const [verdict] = result.subscriptions.verdicts.values();
  assert.ok(entry && verdict);
  return { entry, said: verdict.problems.map(({ condition, reason, path }) => `${condition} ${reason} ${path}`) };
}

test('defaults are filled in: three days of retries, 15 s, ten at once, Standard Webhooks', () => {
  const { entry, said } = only(build([subscription()]));
  assert.deepEqual(said, []);
  assert.deepEqual(
    [entry.format, entry.timeoutMs, entry.concurrency, entry.retryScheduleMs.length, entry.unresolved],
    ['standardWebhooks', 15_000, 10, 9, undefined],
  );
});

test('what is wrong is said with its path, and nothing is sent meanwhile', () => {
  const at = (spec: Partial<SubscriptionSpec>): readonly string[] => {
    const { entry, said } = only(build([subscription('orders', spec)]));
    assert.ok(entry.unresolved, JSON.stringify(spec));
    return said;
  };
  assert.deepEqual(at({ secretRefs: [{ name: 'signing', key: 'short' }] }), [
    'ResolvedRefs SecretTooWeak spec.secretRefs[0]',
  ]);
  assert.deepEqual(at({ secretRefs: [{ name: 'none', key: 'x' }] }), [
    'ResolvedRefs SecretNotFound spec.secretRefs[0]',
  ]);
  assert.deepEqual(at({ urlFrom: { secretKeyRef: { name: 'signing', key: 'secret' } } }), [
    'ResolvedRefs UrlInvalid spec.urlFrom.secretKeyRef',
  ]);
  assert.deepEqual(at({ url: 'http://10.0.0.1/' }), ['Accepted PolicyDenied spec.url']);
  assert.deepEqual(at({ url: 'http://[::1]/' }), ['Accepted PolicyDenied spec.url']);
  assert.deepEqual(at({ url: 'http://169.254.169.254/latest' }), ['Accepted PolicyDenied spec.url']);
  assert.deepEqual(at({ url: 'https://a.example:22/' }), ['Accepted Invalid spec.url']);
  assert.deepEqual(at({ events: ['a..b'] }), ['Accepted Invalid spec.events[0]']);
  assert.deepEqual(at({ headers: [{ name: 'webhook-id', value: 'x' }] }), ['Accepted Invalid spec.headers[0].name']);
  assert.deepEqual(at({ timeout: '2m' }), ['Accepted PolicyDenied spec.timeout']);
  assert.deepEqual(at({ retry: { schedule: ['48h'] } }), ['Accepted PolicyDenied spec.retry.schedule[0]']);
});

test('the ceiling of the installation holds for names too', () => {
  const policy = { ...buildInput([]).policy, egress: { ...buildInput([]).policy.egress, allow: ['*.example.org'] } };
  assert.deepEqual(only(build([subscription()], { policy })).said, ['Accepted PolicyDenied spec.url']);
  assert.deepEqual(only(build([subscription('ok', { url: 'https://a.example.org/' })], { policy })).said, []);
});

test('the address of a Service is refused with the name to write, where the namespace may reach its Services', () => {
  const { policy } = buildInput([]);
  const services = { ...policy, egress: { ...policy.egress, clusterServices: 'Own' } } as const;
  const message = (given: typeof policy, url: string): string =>
    [...build([subscription('ip', { url })], { policy: given }).subscriptions.verdicts.values()][0]?.problems[0]
      ?.message ?? '';
  assert.match(
    message(services, 'http://10.96.0.17/'),
    /; a Service .* NAME\.team-a\.svc\.cluster\.local, not by its address$/,
  );
  assert.match(message(policy, 'http://10.96.0.17/'), /10\.96\.0\.17 is not globally reachable .*\(rule address\)$/);
  assert.equal(message(services, 'http://shop.team-a.svc.cluster.local/'), '');
});

test('a quota of subscriptions counts the oldest first', () => {
  const policy = { ...buildInput([]).policy, quotas: { subscriptions: 1, namespaces: {} } };
  const { entries, verdicts } = build([subscription('younger'), subscription('old')], { policy }).subscriptions;
  assert.deepEqual(
    [...entries.values()].map(({ name }) => name),
    ['old'],
  );
  assert.equal(verdicts.get('uid-team-a-younger')?.programmable, false);
});

test('what did not change stays the same object; a rotated secret makes a new revision', () => {
  const inputs = [subscription('a'), subscription('b')];
  const first = build(inputs);
  const again = build(inputs, { references: first.memory.references, previous: first });
  assert.equal(again.subscriptions.entries, first.subscriptions.entries);
  const rotated = new Map([reference('Secret', 'signing', { secret: `${secret}!` }, { resourceVersion: '2' })]);
  const next = build(inputs, { references: rotated, previous: first });
  const [before] = first.subscriptions.entries.values();
  const [after] = next.subscriptions.entries.values();
  assert.notEqual(after?.revision, before?.revision);
});

test('the difference of two tables holds subscriptions, and its application gives the second', () => {
  const table = (result: BuildResult, version: number): RouteTable => ({
    version,
    functions: result.entries,
    subscriptions: result.subscriptions.entries,
  });
  const before = table(build([subscription('a'), subscription('b')]), 1);
  const after = table(build([subscription('b', { suspend: true }), subscription('c')]), 2);
  const changes = diffTables(before, after);
  assert.deepEqual(changes.map(({ op }) => op).toSorted(), [
    'deleteSubscription',
    'setSubscription',
    'setSubscription',
  ]);
  assert.deepEqual(applyChanges(before, changes, 2).subscriptions, after.subscriptions);
  assert.deepEqual(diffTables(after, table(build([subscription('b', { suspend: true }), subscription('c')]), 3)), []);
});

test('the wire keeps everything, the dump and the revision no secret', () => {
  const url = 'https://hooks.example.com/a-hidden-path';
  const more = reference('Secret', 'target', { url, token: 'a-hidden-token' });
  const { entry } = only(
    build(
      [
        subscription('orders', {
          urlFrom: { secretKeyRef: { name: 'target', key: 'url' } },
          headers: [{ name: 'X-Token', valueFrom: { secretKeyRef: { name: 'target', key: 'token' } } }],
        }),
      ],
      { references: references([more]) },
    ),
  );
  const decoded = decodeSubscription(JSON.parse(encodeSubscription(entry)));
  assert.deepEqual(decoded, { ok: true, subscription: entry });
  const { v: _v, url: _url, ...cut } = JSON.parse(encodeSubscription(entry)) as Record<string, unknown>;
  assert.equal(decodeSubscription({ v: 1, ...cut }).ok, false);
  assert.equal(decodeSubscription({ ...entry, v: 99 }).ok, false);
  const dumped = JSON.stringify(
    dumpTable({ version: 1, functions: new Map(), subscriptions: new Map([[entry.uid, entry]]) }),
  );
  assert.match(dumped, /orders/);
  for (const hidden of ['hidden-path', 'hidden-token', secret, Buffer.from(secret).toString('base64')]) {
    assert.ok(!dumped.includes(hidden), hidden);
  }
});
