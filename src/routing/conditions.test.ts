import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition } from '../function/types.ts';
import { describeRejection, summarise, type FunctionSummary, type RuntimeReport } from './conditions.ts';
import type { Acknowledgement, FunctionVerdict } from './types.ts';

function verdict(parts: Partial<FunctionVerdict> = {}, resolved: Partial<Condition> = {}): FunctionVerdict {
  return {
    uid: 'u',
    namespace: 'team-a',
    name: 'hook',
    generation: 4,
    revision: 'r2',
    suspended: false,
    conditions: [
      { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'the resource is valid and allowed' },
      {
        type: 'ResolvedRefs',
        status: 'True',
        reason: 'ResolvedRefs',
        message: 'all references are resolved',
        ...resolved,
      },
    ],
    problems: [],
    warnings: [],
    urls: [],
    programmable: true,
    ...parts,
  };
}

function runtime(name: string, acknowledgement?: Partial<Acknowledgement>, connected = true): RuntimeReport {
  if (acknowledgement === undefined) return { runtime: name, connected };
  const whole = { uid: 'u', revision: 'r2', accepted: true, servingRevision: 'r2', ...acknowledgement };
  return { runtime: name, connected, acknowledgement: whole };
}

function standing({ conditions }: FunctionSummary): Readonly<Record<string, string>> {
  return Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
}

const syntax = {
  accepted: false,
  reason: 'LuaSyntax',
  message: "'end' expected",
  file: 'hook.lua',
  line: 3,
  servingRevision: 'r1',
};

test('all runtimes run it: ready', () => {
  const summary = summarise(verdict(), [runtime('a', {}), runtime('b', {})]);
  assert.deepEqual(standing(summary), {
    Accepted: 'True Accepted',
    ResolvedRefs: 'True ResolvedRefs',
    Programmed: 'True Programmed',
    Ready: 'True Ready',
  });
  assert.deepEqual([summary.programmed, summary.servingRevision], ['2/2', 'r2']);
  assert.ok(summary.conditions.every(({ observedGeneration }) => observedGeneration === 4));
});

test('until a runtime has judged the code it is not accepted, only not refused', () => {
  const summary = summarise(verdict(), [runtime('a'), runtime('b', { revision: 'r1', servingRevision: 'r1' })]);
  assert.deepEqual(standing(summary), {
    Accepted: 'Unknown Pending',
    ResolvedRefs: 'True ResolvedRefs',
    Programmed: 'Unknown Pending',
    Ready: 'Unknown Pending',
  });
  assert.deepEqual([summary.programmed, summary.servingRevision], ['0/2', 'r1']);
});

test('one runtime is enough to accept, all are needed to be programmed', () => {
  const summary = summarise(verdict(), [runtime('a', {}), runtime('b')]);
  assert.deepEqual(standing(summary), {
    Accepted: 'True Accepted',
    ResolvedRefs: 'True ResolvedRefs',
    Programmed: 'Unknown Pending',
    Ready: 'Unknown Pending',
  });
  assert.equal(summary.programmed, '1/2');
});

test('no runtime at all is said', () => {
  const summary = summarise(verdict(), []);
  assert.deepEqual(standing(summary), {
    Accepted: 'Unknown NoRuntimes',
    ResolvedRefs: 'True ResolvedRefs',
    Programmed: 'False NoRuntimes',
    Ready: 'False NoRuntimes',
  });
  assert.equal(summary.programmed, '0/0');
});

test('a broken edit says where it breaks and that the old code serves', () => {
  const summary = summarise(verdict(), [runtime('a', syntax)]);
  assert.deepEqual(standing(summary), {
    Accepted: 'False LuaSyntax',
    ResolvedRefs: 'True ResolvedRefs',
    Programmed: 'False LuaSyntax',
    Ready: 'False LastGoodServing',
    Stalled: 'True LuaSyntax',
  });
  assert.equal(summary.servingRevision, 'r1');
  const [accepted] = summary.conditions;
  assert.equal(accepted?.message, "hook.lua:3: 'end' expected");
  const ready = summary.conditions.find(({ type }) => type === 'Ready');
  assert.match(ready?.message ?? '', /^the code of revision r1 still serves/);
});

test('a broken first version serves nothing', () => {
  const { servingRevision: _none, ...first } = syntax;
  const summary = summarise(verdict(), [
    { runtime: 'a', connected: true, acknowledgement: { uid: 'u', revision: 'r2', ...first } },
  ]);
  assert.equal(standing(summary).Ready, 'False LuaSyntax');
  assert.equal(summary.servingRevision, undefined);
});

test('one rejection for a reason of Lua refuses the function, even if others took it', () => {
  assert.equal(standing(summarise(verdict(), [runtime('a', {}), runtime('b', syntax)])).Accepted, 'False LuaSyntax');
});

test('a runtime too old to run it is no mistake of the function', () => {
  const skew = { accepted: false, reason: 'UnsupportedRuntime', message: 'format 2, this runtime reads up to 1' };
  const summary = summarise(verdict(), [runtime('a', {}), runtime('b', skew)]);
  assert.deepEqual(standing(summary), {
    Accepted: 'True Accepted',
    ResolvedRefs: 'True ResolvedRefs',
    Programmed: 'False UnsupportedRuntime',
    Ready: 'False UnsupportedRuntime',
  });
});

test('a runtime that takes traffic without a link is named', () => {
  const summary = summarise(verdict(), [runtime('a', {}), runtime('lost-pod', undefined, false)]);
  assert.equal(standing(summary).Programmed, 'False RuntimeUnreachable');
  assert.match(summary.conditions[2]?.message ?? '', /lost-pod/);
});

test('references that may come by themselves do not stall, others do', () => {
  const of = (reason: string) =>
    standing(summarise(verdict({}, { status: 'False', reason, message: 'm' }), [runtime('a', {})]));
  assert.deepEqual([of('SecretNotFound').Ready, of('SecretNotFound').Stalled], ['False SecretNotFound', undefined]);
  assert.deepEqual(
    [of('SecretTooWeak').Ready, of('SecretTooWeak').Stalled],
    ['False SecretTooWeak', 'True SecretTooWeak'],
  );
});

test('what the build refuses is not sent and not pending', () => {
  const refused = verdict({
    programmable: false,
    conditions: [{ type: 'Accepted', status: 'False', reason: 'PolicyDenied', message: 'above the quota' }],
  });
  const summary = summarise(refused, [runtime('a', { revision: 'r1', servingRevision: 'r1' })]);
  assert.deepEqual(standing(summary), {
    Accepted: 'False PolicyDenied',
    ResolvedRefs: 'Unknown Pending',
    Programmed: 'False NotAccepted',
    Ready: 'False PolicyDenied',
    Stalled: 'True PolicyDenied',
  });
  assert.equal(summary.servingRevision, undefined);
});

test('code that waits for its references is taken over and not judged', () => {
  const missing = verdict({}, { status: 'False', reason: 'ConfigMapNotFound', message: 'm' });
  const acknowledgement = { uid: 'u', revision: 'r2', accepted: true, reason: 'NotResolved' };
  assert.deepEqual(standing(summarise(missing, [{ runtime: 'a', connected: true, acknowledgement }])), {
    Accepted: 'Unknown Pending',
    ResolvedRefs: 'False ConfigMapNotFound',
    Programmed: 'True Programmed',
    Ready: 'False ConfigMapNotFound',
  });
});

test('a function that is suspended is as it wants to be', () => {
  assert.equal(standing(summarise(verdict({ suspended: true }), [runtime('a', {})])).Ready, 'True Suspended');
});

test('the time of a transition is kept until the status changes', () => {
  const first = summarise(verdict(), [runtime('a', {})], { previous: [], now: '2025-01-01T00:00:00Z' });
  const second = summarise(verdict(), [runtime('a', syntax)], {
    previous: first.conditions,
    now: '2025-01-02T00:00:00Z',
  });
  const times = Object.fromEntries(second.conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]));
  assert.deepEqual(times, {
    Accepted: '2025-01-02T00:00:00Z',
    ResolvedRefs: '2025-01-01T00:00:00Z',
    Programmed: '2025-01-02T00:00:00Z',
    Ready: '2025-01-02T00:00:00Z',
    Stalled: '2025-01-02T00:00:00Z',
  });
});

test('a rejection reads like a line of a compiler', () => {
  assert.equal(
    describeRejection({ file: 'hook.lua', line: 3, column: 7, message: 'no such field', suggestion: 'push' }),
    'hook.lua:3:7: no such field (did you mean "push"?)',
  );
  assert.equal(describeRejection({ message: 'no place' }), 'no place');
});
