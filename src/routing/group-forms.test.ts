import assert from 'node:assert/strict';
import { test } from 'node:test';
import { functionEntry, httpTriggerEntry, scheduleTriggerEntry } from '../../test/builders/function-entry.ts';
import { defaultPolicy, type InstallationPolicy } from '../policy/installation-policy.ts';
import { summarise } from './conditions.ts';
import { createFormsByGroup, movingWarnings, placeInGroup } from './group-forms.ts';
import type { FunctionVerdict } from './types.ts';

const policy: InstallationPolicy = {
  ...defaultPolicy('https://hooks.example.com'),
  runtimeGroups: { names: ['payments'], placed: { bank: 'payments' }, leaving: { bank: ['default'] } },
};

test('a function is placed by its namespace; a run on one machine is one group', () => {
  assert.deepEqual(placeInGroup(policy, 'bank', 'cluster'), { group: 'payments', leaving: { leaving: ['default'] } });
  assert.deepEqual(placeInGroup(policy, 'shop', 'cluster'), { group: 'default', leaving: {} });
  assert.deepEqual(placeInGroup(policy, 'bank', 'local'), { group: 'default', leaving: {} });
});

test('a group is given its own entries as they are, and what leaves it in the form that only empties it', () => {
  const formsOf = createFormsByGroup();
  const [common, payments] = [formsOf('default'), formsOf('payments')];
  const own = functionEntry({ group: 'payments' });
  assert.equal(payments.ofFunction(own), own);
  assert.equal(common.ofFunction(own), undefined);

  const triggers = [httpTriggerEntry({ name: 'web' }), scheduleTriggerEntry({ name: 'nightly' })];
  const moving = functionEntry({ group: 'payments', leaving: ['default'], revision: 'r', triggers });
  const { leaving: _left, ...rest } = moving;
  assert.deepEqual(payments.ofFunction(moving), rest);
  const drained = common.ofFunction(moving);
  assert.equal(common.ofFunction(moving), drained, 'the same object: its digest is made once');
  assert.equal(formsOf('default'), common);
  assert.deepEqual(drained, {
    ...rest,
    group: 'default',
    revision: 'r-draining',
    draining: true,
    // Trigger names stay: what waits for them is not taken for deleted.
    triggers: [{ ...triggers[0], routes: [] }, triggers[1]],
  });
  assert.equal(formsOf('other').ofFunction(moving), undefined);
  assert.match(movingWarnings(moving)[0] ?? '', /from the runtime group "default" to "payments"/);
  assert.deepEqual(movingWarnings(own), []);
});

test('a function whose group has no runtime says which group that is', () => {
  const verdict: FunctionVerdict = {
    uid: 'u',
    namespace: 'bank',
    name: 'hook',
    group: 'payments',
    generation: 1,
    revision: 'r',
    suspended: false,
    conditions: [],
    problems: [],
    warnings: [],
    urls: [],
    programmable: true,
  };
  const said = (each: FunctionVerdict): string | undefined =>
    summarise(each, []).conditions.find(({ type }) => type === 'Programmed')?.message;
  assert.match(said(verdict) ?? '', /^no runtime of the group payments is ready/);
  const { group: _group, ...common } = verdict;
  assert.match(said(common) ?? '', /^no runtime is ready/);
});
