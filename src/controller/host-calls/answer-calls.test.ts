import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Acknowledgement, FunctionEntry, RouteTable } from '../../routing/types.ts';
import { functionEntry } from '../../../test/builders/function-entry.ts';
import type { KubeRequest } from '../kube-answer.ts';
import type { RuntimesChange } from '../types.ts';
import { createHostCalls } from './answer-calls.ts';
import { createCallGate, functionLimits } from './limit-calls.ts';

interface World {
  readonly entry?: Partial<FunctionEntry>;
  readonly serves?: readonly string[];
  readonly account?: string;
}

/** A controller of one function; what it would send to the API server is kept. */
function controllerOf({ entry, serves = ['uid-1'], account }: World = {}) {
  const made = functionEntry({ uid: 'uid-1', namespace: 'team-a', serviceAccountName: 'hooks', ...entry });
  const sent: KubeRequest[] = [];
  const strangers: string[] = [];
  const listeners = new Set<(change: RuntimesChange) => void>();
  const acknowledgements = new Map<string, Acknowledgement>();
  const serve = (uid: string): void => void acknowledgements.set(uid, { uid, revision: 'r', accepted: true });
  for (const uid of serves) serve(uid);
  const waits: (() => void)[] = [];
  const functions = new Map([[made.uid, made]]);
  const tableListeners = new Set<(table: RouteTable) => void>();
  let now = 0;
  const answer = createHostCalls({
    client: {
      text: async (request) => {
        sent.push(request);
        return { ok: true, status: 200, body: '{}' };
      },
    },
    table: {
      current: () => ({ version: 1, functions }),
      subscribe(listener) {
        tableListeners.add(listener);
        return () => void tableListeners.delete(listener);
      },
    },
    acknowledgements: () => ({
      runtimes: () => [
        { runtime: 'runtime-0', group: 'default', podUid: 'pod-0', connected: true, ready: true, acknowledgements },
      ],
      subscribe(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    }),
    kinds: { find: async () => ({ ok: true, found: { resource: 'configmaps', namespaced: true } }) },
    confirmAccount: async () => account,
    gate: createCallGate(() => now),
    after(_milliseconds, callback) {
      waits.push(callback);
      return () => undefined;
    },
    onStranger: (_pod, uid, why) => void strangers.push(`${uid}: ${why}`),
  });
  const ask = (uid = 'uid-1', from = { podUid: 'pod-0', group: 'default' }) =>
    answer(
      {
        function: uid,
        revision: 'r',
        callId: 'c',
        operation: 'get',
        arguments: { apiVersion: 'v1', kind: 'ConfigMap', name: 'settings' },
      },
      from,
      new AbortController().signal,
    );
  return {
    ask,
    sent,
    strangers,
    waits,
    acknowledge(uid: string): void {
      serve(uid);
      for (const listener of listeners) listener({ kind: 'acknowledged', uids: [uid] });
    },
    learn(uid: string): void {
      functions.set(uid, { ...made, uid });
      for (const listener of tableListeners) listener({ version: 2, functions });
    },
    pass: (milliseconds: number) => void (now += milliseconds),
  };
}

suite('createHostCalls', () => {
  test('acts as the account of the table, in the namespace of the table', async () => {
    const { ask, sent } = controllerOf();
    assert.deepEqual(await ask(), { ok: true, body: { ok: true, text: '{}' } });
    assert.equal(sent[0]?.impersonate, 'system:serviceaccount:team-a:hooks');
    assert.equal(sent[0]?.path, '/api/v1/namespaces/team-a/configmaps/settings');
  });

  test('a function that is not in the table, or is of another group, is refused', async () => {
    const { ask, sent, strangers, waits } = controllerOf();
    const asked = ask('uid-2');
    waits[0]?.();
    const unknown = await asked;
    const foreign = await ask('uid-1', { podUid: 'pod-0', group: 'other' });
    for (const answer of [unknown, foreign]) assert.ok(!answer.ok && answer.code === 'Refused');
    assert.equal(sent.length, 0);
    assert.equal(strangers.length, 2);
  });

  test('the group that a function has left may ask for it while it empties, and no other group', async () => {
    const { ask, sent } = controllerOf({ entry: { group: 'payments', leaving: ['default'] }, serves: [] });
    assert.deepEqual(await ask(), { ok: true, body: { ok: true, text: '{}' } });
    const foreign = await ask('uid-1', { podUid: 'pod-0', group: 'other' });
    assert.ok(!foreign.ok && foreign.code === 'Refused');
    assert.equal(sent.length, 1);
    const moved = controllerOf({ entry: { group: 'payments' } });
    assert.equal((await moved.ask()).ok, false, 'the control: it is not said that it leaves');
  });

  test('a function that this replica hears of later than the runtime is waited for', async () => {
    const { ask, sent, learn } = controllerOf({ serves: ['uid-2'] });
    const asked = ask('uid-2');
    learn('uid-2');
    assert.deepEqual(await asked, { ok: true, body: { ok: true, text: '{}' } });
    assert.equal(sent.length, 1);
  });

  test('of functions that nobody knows only so many are waited for', async () => {
    const { ask, waits } = controllerOf();
    const asked = Array.from({ length: 65 }, (_, index) => ask(`made-up-${index}`));
    const last = await asked.at(-1);
    assert.ok(last?.ok === false && last.code === 'Refused');
    for (const over of waits) over();
    for (const answer of await Promise.all(asked)) assert.ok(!answer.ok && answer.code === 'Refused');
  });

  test('a runtime that does not serve the function is refused, unless its word comes late', async () => {
    const never = controllerOf({ serves: [] });
    const refused = never.ask();
    never.waits[0]?.();
    const answer = await refused;
    assert.ok(!answer.ok && answer.code === 'Refused');
    assert.equal(never.sent.length, 0);
    const late = controllerOf({ serves: [] });
    const turn = late.ask();
    late.acknowledge('uid-1');
    assert.equal((await turn).ok, true);
    const other = controllerOf();
    const stranger = other.ask('uid-1', { podUid: 'pod-1', group: 'default' });
    other.waits[0]?.();
    assert.equal((await stranger).ok, false, 'what another runtime serves does not count');
  });

  test('without an account, or without its consent, nothing is asked', async () => {
    const without = controllerOf({ entry: { serviceAccountName: undefined } as never });
    const gone = controllerOf({ account: 'the ServiceAccount hooks does not exist' });
    for (const { ask, sent } of [without, gone]) {
      const answer = await ask();
      assert.ok(answer.ok);
      assert.match((answer.body as { readonly message: string }).message, /ServiceAccount/);
      assert.equal(sent.length, 0);
    }
  });

  test('a function that asks without end is told to come again, and may after a while', async () => {
    const { ask, sent, pass } = controllerOf();
    const codes: string[] = [];
    for (let count = 0; count < functionLimits.burst + 5; count += 1) {
      const answer = await ask();
      codes.push(answer.ok ? 'ok' : answer.code);
    }
    assert.equal(codes.filter((code) => code === 'Busy').length, 5);
    assert.equal(sent.length, functionLimits.burst);
    pass(1_000);
    assert.equal((await ask()).ok, true);
  });
});
