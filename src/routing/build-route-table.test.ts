import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildInput, functionInput, openTrigger, reference } from '../../test/builders/webhook-function.ts';
import { defaultPolicy } from '../policy/installation-policy.ts';
import type { FunctionInput } from './build-context.ts';
import { buildRouteTable, type BuildInput, type BuildResult } from './build-route-table.ts';
import type { FunctionEntry, FunctionVerdict, HttpTriggerEntry } from './types.ts';

function build(functions: readonly FunctionInput[], parts: Partial<BuildInput> = {}): BuildResult {
  return buildRouteTable(buildInput(functions, parts));
}

function entryOf(result: BuildResult, uid = 'uid-team-a-hook'): FunctionEntry {
  const entry = result.entries.get(uid);
  assert.ok(entry, `${uid} is in the table`);
  return entry;
}

function verdictOf(result: BuildResult, uid = 'uid-team-a-hook'): FunctionVerdict {
  const verdict = result.verdicts.get(uid);
  assert.ok(verdict, `${uid} has a verdict`);
  return verdict;
}

/** `Accepted=False RouteConflict`. */
function standing(verdict: FunctionVerdict): readonly string[] {
  return verdict.conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
}

function routesOf(result: BuildResult, uid: string): readonly string[] {
  return entryOf(result, uid).triggers.flatMap((trigger) =>
    trigger.kind === 'http' ? trigger.routes.map(({ path }) => path) : [],
  );
}

const accepted = ['Accepted=True Accepted', 'ResolvedRefs=True ResolvedRefs'];

test('a small function becomes an entry with its route, limits and URL', () => {
  const result = build([functionInput()]);
  const entry = entryOf(result);
  const [trigger] = entry.triggers as readonly HttpTriggerEntry[];
  assert.deepEqual(trigger?.routes, [{ path: '/team-a/hook', methods: [], ownsHost: true }]);
  assert.deepEqual([trigger?.mode, trigger?.handlers, entry.limits.timeoutMs], ['sync', ['web', 'default'], 10_000]);
  const verdict = verdictOf(result);
  assert.deepEqual(standing(verdict), accepted);
  assert.deepEqual(verdict.urls, [{ trigger: 'web', url: 'https://hooks.example.com/team-a/hook' }]);
  assert.equal(verdict.revision, entry.revision);
});

test('functions of another class are left to their installation', () => {
  const canary = functionInput({ name: 'canary' }, { class: 'canary' });
  const policy = defaultPolicy('https://hooks.example.com');
  const result = build([functionInput(), canary], { policy });
  assert.deepEqual([...result.verdicts.keys()], ['uid-team-a-hook']);
  assert.deepEqual([...result.entries.keys()], ['uid-team-a-hook']);
  assert.deepEqual(
    [...build([functionInput(), canary], { policy: { ...policy, class: 'canary' } }).entries.keys()],
    ['uid-team-a-canary'],
  );
});

test('inside one namespace the oldest function keeps a route, and the other learns whose it is', () => {
  const old = functionInput(
    { name: 'old', creationTimestamp: '2025-01-01T00:00:00Z' },
    { triggers: [openTrigger('x')] },
  );
  const young = functionInput(
    { name: 'young', creationTimestamp: '2025-01-02T00:00:00Z' },
    { triggers: [openTrigger('x')] },
  );
  for (const order of [
    [old, young],
    [young, old],
  ]) {
    const result = build(order);
    assert.deepEqual(standing(verdictOf(result, 'uid-team-a-old')), accepted);
    const verdict = verdictOf(result, 'uid-team-a-young');
    assert.equal(standing(verdict)[0], 'Accepted=False RouteConflict');
    assert.match(
      verdict.conditions[0]?.message ?? '',
      /^spec\.triggers\[0\]\.http\.path: .*function "old" \(trigger "web"\)/,
    );
    const [trigger] = entryOf(result, 'uid-team-a-young').triggers as readonly HttpTriggerEntry[];
    assert.deepEqual([trigger?.routes, trigger?.unresolved?.reason, verdict.urls], [[], 'RouteConflict', []]);
  }
});

test('between namespaces the later function loses, and the other namespace is not named', () => {
  const a = functionInput(
    { namespace: 'team-a', creationTimestamp: '2025-01-01T00:00:00Z' },
    { triggers: [openTrigger('/shared/:id')] },
  );
  const b = functionInput(
    { namespace: 'team-b', creationTimestamp: '2025-01-02T00:00:00Z' },
    { triggers: [openTrigger('/shared/new')] },
  );
  const result = build([a, b]);
  const verdict = verdictOf(result, 'uid-team-b-hook');
  assert.equal(standing(verdict)[0], 'Accepted=False RouteConflict');
  assert.match(verdict.conditions[0]?.message ?? '', /overlaps a route of another namespace/);
  assert.ok(!JSON.stringify(verdict).includes('team-a'));
  assert.deepEqual(routesOf(result, 'uid-team-a-hook'), ['/shared/:id']);
});

test('a function that loses one of two routes keeps the other, under another revision', () => {
  const old = functionInput({ name: 'old' }, { triggers: [openTrigger('x')] });
  const young = functionInput(
    { name: 'young' },
    { triggers: [openTrigger('y', { routes: [{ path: 'x' }, { path: 'y' }] })] },
  );
  const alone = build([young]);
  const both = build([old, young], { previous: alone });
  assert.deepEqual(routesOf(both, 'uid-team-a-young'), ['/team-a/y']);
  assert.notEqual(entryOf(both, 'uid-team-a-young').revision, entryOf(alone, 'uid-team-a-young').revision);
  const again = build([young], { previous: both });
  assert.deepEqual(entryOf(again, 'uid-team-a-young'), entryOf(alone, 'uid-team-a-young'));
});

test('two triggers of one function cannot have the same route', () => {
  const triggers = [openTrigger('x', {}, 'one'), openTrigger('x', {}, 'two')];
  const verdict = verdictOf(build([functionInput({}, { triggers })]));
  assert.match(verdict.conditions[0]?.message ?? '', /spec\.triggers\[1\]\.http\.path: .*trigger "one" already has it/);
});

test('reserved and unusable paths are refused with what to do', () => {
  const reason = (path: string): string => {
    const { problems } = verdictOf(build([functionInput({}, { triggers: [openTrigger(path)] })]));
    return `${problems[0]?.reason ?? ''}: ${problems[0]?.message ?? ''}`;
  };
  for (const path of [
    '/function/x',
    '/async-function',
    '/events/team-a',
    '/healthz',
    '/.well-known/acme',
    '/-/x',
    '/%66unction',
  ]) {
    assert.match(reason(path), /^RouteReserved/, path);
  }
  for (const path of ['/a//b', 'a/../b', 'a/', 'a/:', '*/a', 'a/{id}'])
    assert.match(reason(path), /^RouteInvalid/, path);
  assert.match(reason('/a/{id}'), /write ":id"/);
  assert.equal(reason('function/x'), ': ', 'below the namespace nothing is reserved');
});

test('the namespace "events" cannot hide behind a reserved path', () => {
  const result = build([functionInput({ namespace: 'events' })], { policy: defaultPolicy('https://x.test') });
  assert.equal(verdictOf(result, 'uid-events-hook').problems[0]?.reason, 'RouteReserved');
});

test('what the installation does not grant or allow is said, and the function does not run above a ceiling', () => {
  const policy = defaultPolicy('https://hooks.example.com');
  const spec = { limits: { timeout: '1h' }, triggers: [openTrigger('/elsewhere')] };
  const result = build([functionInput({}, spec)], { policy });
  const verdict = verdictOf(result);
  assert.deepEqual(
    verdict.problems.map(({ reason, path }) => `${reason} ${path ?? ''}`),
    ['PolicyDenied spec.limits.timeout', 'HostNotAllowed spec.triggers[0].http.path'],
  );
  assert.equal(entryOf(result).unresolved?.reason, 'PolicyDenied');
  assert.match(entryOf(result).unresolved?.message ?? '', /ceiling of this installation, 5m/);
});

test('quotas are charged oldest first, and who is above is not in the table', () => {
  const policy = {
    ...defaultPolicy('https://x.test'),
    quotas: { functions: 2, namespaces: { 'team-b': { functions: 0 } } },
  };
  const make = (name: string, day: number, namespace = 'team-a') =>
    functionInput({ name, namespace, creationTimestamp: `2025-01-0${day}T00:00:00Z` });
  const functions = [make('third', 3), make('first', 1), make('second', 2), make('none', 1, 'team-b')];
  const result = build(functions, { policy });
  assert.deepEqual([...result.entries.values()].map(({ name }) => name).sort(), ['first', 'second']);
  const third = verdictOf(result, 'uid-team-a-third');
  assert.deepEqual([third.programmable, standing(third)[0]], [false, 'Accepted=False PolicyDenied']);
  assert.match(third.conditions[0]?.message ?? '', /namespace team-a may have 2 functions, and older functions have 2/);
  const fewer = build(functions.slice(0, 2), { policy, previous: result });
  assert.deepEqual(
    [...fewer.entries.values()].map(({ name }) => name).sort(),
    ['first', 'third'],
    'room goes to the next',
  );
});

test('a function above its quota does not keep a route from others', () => {
  const policy = { ...defaultPolicy('https://x.test'), quotas: { watches: 0, namespaces: {} } };
  const greedy = functionInput(
    { name: 'greedy', creationTimestamp: '2024-01-01T00:00:00Z' },
    {
      serviceAccountName: 'sa',
      triggers: [openTrigger('x'), { name: 'pods', kubernetes: { apiVersion: 'v1', kind: 'Pod' } }],
    },
  );
  const modest = functionInput({ name: 'modest' }, { triggers: [openTrigger('x')] });
  const result = build([greedy, modest], { policy, references: new Map([reference('ServiceAccount', 'sa')]) });
  assert.deepEqual(standing(verdictOf(result, 'uid-team-a-modest')), accepted);
  assert.equal(verdictOf(result, 'uid-team-a-greedy').programmable, false);
});

test('two names that make one handler are refused', () => {
  const triggers = [openTrigger('a', {}, 'on-push'), openTrigger('b', {}, 'on_push')];
  const verdict = verdictOf(build([functionInput({}, { triggers })]));
  assert.equal(standing(verdict)[0], 'Accepted=False DuplicateHandler');
});

test('Kubernetes triggers need an account that exists and consented; without it they do not fire', () => {
  const triggers = [
    openTrigger('x'),
    { name: 'pods', kubernetes: { apiVersion: 'v1', kind: 'Pod', changed: 'object.x' } },
  ];
  const spec = { serviceAccountName: 'sa', triggers };
  const none = build([functionInput({}, { triggers })]);
  assert.equal(verdictOf(none).problems[0]?.reason, 'ServiceAccountRequired');
  const missing = build([functionInput({}, spec)]);
  assert.equal(verdictOf(missing).problems[0]?.reason, 'ServiceAccountNotFound');
  assert.deepEqual(
    entryOf(missing).triggers.map(({ unresolved }) => unresolved?.reason),
    [undefined, 'ServiceAccountNotFound'],
  );
  assert.equal(entryOf(missing).serviceAccountName, undefined, 'k8s.* is not available either');
  const unlabelled = new Map([reference('ServiceAccount', 'sa', {}, { labels: {} })]);
  const refused = verdictOf(build([functionInput({}, spec)], { references: unlabelled }));
  assert.match(
    refused.problems[0]?.message ?? '',
    /kubectl label serviceaccount sa -n team-a moonhook\.dev\/functions=true/,
  );
  const good = build([functionInput({}, spec)], { references: new Map([reference('ServiceAccount', 'sa')]) });
  assert.deepEqual(standing(verdictOf(good)), accepted);
  const [, pods] = entryOf(good).triggers;
  assert.ok(pods?.kind === 'kubernetes');
  assert.deepEqual([pods.changed, pods.spec.namespaces, pods.spec.initial], ['object.x', { from: 'Same' }, 'Skip']);
  assert.equal(entryOf(good).serviceAccountName, 'sa');
  const local = build([functionInput({}, spec)], { mode: 'local' });
  assert.match(verdictOf(local).warnings[0] ?? '', /there is no cluster here/);
  assert.deepEqual(standing(verdictOf(local)), accepted);
});

test('schedules and event types that cannot fire are refused at apply', () => {
  const reason = (trigger: object): string =>
    verdictOf(build([functionInput({}, { triggers: [{ name: 'x', ...trigger }] })]))
      .problems.map(({ path, reason }) => `${reason} ${path ?? ''}`)
      .join();
  assert.equal(reason({ schedule: { cron: '0 3 * * *', timeZone: 'Europe/Berlin' } }), '');
  assert.equal(reason({ schedule: { cron: '0 3 30 2 *' } }), 'Invalid spec.triggers[0].schedule.cron');
  assert.equal(
    reason({ schedule: { cron: '0 3 * * *', timeZone: 'Mars/Base' } }),
    'Invalid spec.triggers[0].schedule.timeZone',
  );
  assert.equal(reason({ event: { type: 'com.acme.*' } }), '');
  assert.equal(reason({ event: { type: 'com.*.acme' } }), 'Invalid spec.triggers[0].event.type');
});

test('limits and retries of a trigger lie over those of its function', () => {
  const spec = {
    limits: { timeout: '20s', memory: '8Mi' },
    retry: { schedule: ['1s'] },
    triggers: [
      { ...openTrigger('x'), limits: { timeout: '2s' }, retry: { schedule: [] } },
      openTrigger('y', {}, 'other'),
    ],
  };
  const [first, second] = entryOf(build([functionInput({}, spec)])).triggers;
  assert.deepEqual([first?.limits.timeoutMs, first?.limits.memoryBytes, first?.retryScheduleMs], [2000, 8_388_608, []]);
  assert.deepEqual([second?.limits.timeoutMs, second?.retryScheduleMs], [20_000, [1000]]);
});

test('an edit under the same name is told by its generation, even where nothing else changes', () => {
  const before = build([functionInput({ generation: 1 })]);
  const after = build([functionInput({ generation: 3 })], { previous: before });
  assert.equal(entryOf(after).revision, entryOf(before).revision);
  assert.deepEqual([entryOf(after).generation, verdictOf(after).conditions[0]?.observedGeneration], [3, 3]);
});
