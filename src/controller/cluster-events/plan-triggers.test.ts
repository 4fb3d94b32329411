import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FunctionEntry, KubernetesTriggerEntry } from '../../routing/types.ts';
import { functionEntry } from '../../../test/builders/function-entry.ts';
import { chooseCollections } from './choose-collections.ts';
import { accountOf, createTriggerPlanner, type TriggerPlan } from './plan-triggers.ts';

function trigger(spec: Readonly<Record<string, unknown>>, more: Partial<KubernetesTriggerEntry> = {}) {
  const { limits, retryScheduleMs } = functionEntry();
  const base = { kind: 'kubernetes' as const, name: 'watched', handlers: [], limits, retryScheduleMs };
  return { ...base, spec: { apiVersion: 'v1', kind: 'ConfigMap', ...spec }, ...more };
}

function planOf(spec: Readonly<Record<string, unknown>> = {}, entry: Partial<FunctionEntry> = {}): TriggerPlan {
  const [plan] = plansOf({ triggers: [trigger(spec)], ...entry });
  assert.ok(plan);
  return plan;
}

function plansOf(entry: Partial<FunctionEntry>): readonly TriggerPlan[] {
  const made = functionEntry({ uid: 'u', namespace: 'team-a', serviceAccountName: 'hooks', ...entry });
  return [...createTriggerPlanner()({ version: 1, functions: new Map([['u', made]]) }).values()];
}

test('a trigger reads as the account of its own namespace', () => {
  assert.equal(accountOf(planOf()), 'system:serviceaccount:team-a:hooks');
  const [placed] = chooseCollections(planOf(), { resource: 'configmaps', namespaced: true }, []);
  assert.equal(placed?.collection.path, '/api/v1/namespaces/team-a/configmaps');
  assert.equal(placed?.collection.impersonate, 'system:serviceaccount:team-a:hooks');
});

test('without an account, suspended, or not resolved, nothing is followed', () => {
  assert.equal(plansOf({ triggers: [trigger({})], suspended: true }).length, 0);
  assert.equal(plansOf({ triggers: [trigger({})], serviceAccountName: undefined } as never).length, 0);
  const unresolved = { reason: 'Invalid', message: 'wrong' };
  assert.equal(plansOf({ triggers: [trigger({}, { unresolved })] }).length, 0);
});

test('what is watched decides whether it begins anew; what is told of it does not', () => {
  const plain = planOf().selection;
  const other = [
    planOf({ kind: 'Pod' }),
    planOf({ apiVersion: 'v2' }),
    planOf({ namespaces: { from: 'All' } }),
    planOf({ labelSelector: { matchLabels: { a: 'b' } } }),
    planOf({ fieldSelector: 'metadata.name=a' }),
    planOf({}, { serviceAccountName: 'other' }),
  ];
  assert.equal(new Set([plain, ...other.map(({ selection }) => selection)]).size, other.length + 1);
  for (const same of [{ events: ['Deleted'] }, { initial: 'Each' }]) assert.equal(planOf(same).selection, plain);
  const [judging] = plansOf({ triggers: [trigger({}, { changed: 'return 1', filter: 'true' })] });
  assert.equal(judging?.selection, plain);
  assert.notEqual(judging?.expressions, planOf().expressions);
});

test('names, selected namespaces, all, and kinds without namespaces', () => {
  const paths = (spec: Readonly<Record<string, unknown>>, namespaced = true): readonly string[] =>
    chooseCollections(planOf(spec), { resource: 'configmaps', namespaced }, ['b', 'a']).map(
      ({ collection }) => collection.path,
    );
  const own = (name: string): string => `/api/v1/namespaces/${name}/configmaps`;
  assert.deepEqual(paths({ namespaces: { from: 'Names', names: ['y', 'x'] } }), [own('x'), own('y')]);
  assert.deepEqual(paths({ namespaces: { from: 'Selector', selector: {} } }), [own('a'), own('b')]);
  assert.deepEqual(paths({ namespaces: { from: 'All' } }), ['/api/v1/configmaps']);
  assert.deepEqual(paths({}, false), ['/api/v1/configmaps']);
});

test('the plans of a table are the same map until a function with one is another', () => {
  const made = (uid: string, parts: Partial<FunctionEntry> = {}): [string, FunctionEntry] => [
    uid,
    functionEntry({ uid, namespace: 'team-a', serviceAccountName: 'hooks', ...parts }),
  ];
  const plan = createTriggerPlanner();
  const watching = made('watching', { triggers: [trigger({})] });
  const planned = plan({ version: 1, functions: new Map([watching, made('plain')]) });
  assert.deepEqual([...planned.keys()], ['watching/watched']);
  assert.equal(plan({ version: 2, functions: new Map([watching, made('plain', { generation: 2 })]) }), planned);
  const edited = made('watching', { triggers: [trigger({ kind: 'Pod' })] });
  const next = plan({ version: 3, functions: new Map([edited, made('plain')]) });
  assert.equal(next.get('watching/watched')?.kind, 'Pod');
  const both = plan({ version: 4, functions: new Map([edited, made('plain', { triggers: [trigger({})] })]) });
  assert.deepEqual([...both.keys()], ['watching/watched', 'plain/watched']);
  assert.equal(plan({ version: 5, functions: new Map([made('plain')]) }).size, 0);
});
