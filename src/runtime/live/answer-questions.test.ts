import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { functionEntry, httpTriggerEntry, routeTable } from '../../../test/builders/function-entry.ts';
import type { LiveAct, LiveAnswer, LiveQuery } from '../../link/live-questions.ts';
import type { CallRecord } from '../call-record.ts';
import { matchesRecord, type RecordFilter } from '../record-filter.ts';
import type { RunningCall } from '../worker-messages.ts';
import { createLiveAnswers } from './answer-questions.ts';
import { createDeliveryFollows } from './follow-deliveries.ts';
import { createFollowSessions } from './follow-sessions.ts';
import type { LiveView } from './live-view.ts';

const teamA = { name: 'team-a', uid: 'uid-team-a' };
const teamB = { name: 'team-b', uid: 'uid-team-b' };

const mounted = (namespace: string, name: string) =>
  functionEntry({
    namespace,
    name,
    triggers: [
      httpTriggerEntry({ name: `web-of-${name}`, routes: [{ path: `/${namespace}/${name}`, methods: ['PUT'] }] }),
    ],
  });

/** Two namespaces with a function each; whoever follows is told of what `tell` is given. */
function answers(running: readonly RunningCall[] = []) {
  const followers = new Set<{ readonly filter: RecordFilter; readonly listener: (record: CallRecord) => void }>();
  const table = routeTable([mounted('team-a', 'mine'), mounted('team-b', 'hush')]);
  const passed: string[] = [];
  let id = 0;
  const view = {
    table: () => table,
    namespaceUid: (name: string) => `uid-${name}`,
    now: () => 0,
    runningCalls: () => Promise.resolve(running),
    caught: { look: () => [], end: () => undefined },
    documents: () => () => Promise.reject(new Error('nothing is fetched here')),
    followRecords: (filter: RecordFilter, listener: (record: CallRecord) => void) => {
      const follower = { filter, listener };
      followers.add(follower);
      return () => void followers.delete(follower);
    },
  } as unknown as LiveView;
  const answer = createLiveAnswers({
    view,
    follows: createFollowSessions({ newId: () => `cursor-${(id += 1)}`, after: () => () => undefined }),
    deliveries: createDeliveryFollows({ after: () => () => undefined, now: () => 0 }),
    passRequest: async ({ path }) => {
      passed.push(path);
      return { status: 200, body: {} };
    },
  });
  const ask = async (topic: 'query' | 'act', question: LiveQuery | LiveAct): Promise<LiveAnswer> => {
    const said = await answer(topic, question, AbortSignal.timeout(30_000));
    assert.ok(said.ok);
    return said.body as LiveAnswer;
  };
  return {
    passed,
    ask,
    tell(record: CallRecord) {
      for (const { filter, listener } of followers) if (matchesRecord(record, filter)) listener(record);
    },
  };
}

interface Followed {
  readonly cursor: string;
  readonly gap: boolean;
  readonly calls: readonly { readonly callId: string; readonly log?: unknown }[];
}

const recordOf = (callId: string): CallRecord =>
  ({
    callId,
    namespace: teamB.name,
    namespaceUid: teamB.uid,
    time: 1,
    log: [{ time: 1, level: 'info', message: 'secret-of-b' }],
  }) as unknown as CallRecord;

suite('questions about what is live', () => {
  test('a cursor gives its asker’s namespace and depth only, whatever it was opened with', async () => {
    const { ask, tell } = answers();
    const follow = async (namespace: typeof teamA, depth: 'logs' | 'outline', cursor: string): Promise<Followed> => {
      const said = await ask('query', { op: 'follow', namespace, depth, cursor, waitMs: 0, query: {} });
      assert.ok(said.status === 200);
      return said.body as Followed;
    };
    const { cursor } = await follow(teamB, 'logs', '');
    tell(recordOf('one'));
    for (const [namespace, depth] of [
      [teamA, 'logs'],
      [teamB, 'outline'],
    ] as const) {
      const { calls, gap } = await follow(namespace, depth, cursor);
      assert.deepEqual({ calls, gap }, { calls: [], gap: true });
    }
    const { calls } = await follow(teamB, 'logs', cursor);
    assert.match(JSON.stringify(calls), /secret-of-b/);
  });

  test('calls that run are those of the namespace and function of now, not of the names of before', async () => {
    const call = (callId: string, changed: Partial<RunningCall>): RunningCall => ({
      callId,
      time: 0,
      namespaceUid: teamA.uid,
      namespace: teamA.name,
      functionUid: 'uid-team-a-mine',
      functionName: 'mine',
      handler: 'handle',
      ...changed,
    });
    const { ask } = answers([
      call('own', {}),
      call('of-the-function-before', { functionUid: 'uid-of-an-older-mine' }),
      call('of-the-namespace-before', { namespaceUid: 'uid-of-an-older-team-a' }),
      call('of-b', { namespaceUid: teamB.uid, namespace: teamB.name }),
    ]);
    const running = async (question: Partial<LiveQuery & { readonly op: 'running' }>): Promise<readonly string[]> => {
      const said = await ask('query', { op: 'running', query: {}, ...question });
      assert.ok(said.status === 200);
      return (said.body as Followed).calls.map(({ callId }) => callId);
    };
    assert.deepEqual(await running({ namespace: teamA, query: { name: 'mine' } }), ['own']);
    assert.deepEqual(await running({ namespace: teamA }), ['own', 'of-the-function-before']);
    assert.equal((await running({})).length, 4, 'control: they all run');
  });

  test('what another namespace has mounted is not named to whoever asks about a request', async () => {
    const { ask } = answers();
    const explain = async (url: string, method = 'PUT'): Promise<string> => {
      const request = { method, url };
      return JSON.stringify(
        await ask('query', { op: 'explainRequest', namespace: teamA, uid: 'uid-team-a-mine', urls: [], request }),
      );
    };
    for (const said of [await explain('/team-b/hush'), await explain('/team-b/hush', 'GET')]) {
      assert.match(said, /another namespace/);
      assert.doesNotMatch(said, /web-of-hush|"taker"|PUT only/);
    }
    assert.doesNotMatch(await explain('/team-b/hus'), /hush/);
    assert.match(await explain('/team-a/mine'), /web-of-mine/);
    assert.match(await explain('/team-a/min'), /mine/);
  });

  test('a call for a namespace that was made again reaches nothing of the one before', async () => {
    const { ask, passed } = answers();
    const call = (uid: string) =>
      ask('act', {
        op: 'request',
        namespace: { name: 'team-a', uid },
        principal: 'ada',
        method: 'POST',
        path: '/function/team-a/mine',
        headers: [],
      });
    assert.equal((await call('uid-of-a-newer-team-a')).status, 400);
    assert.deepEqual(passed, []);
    assert.equal((await call(teamA.uid)).status, 200);
    assert.deepEqual(passed, ['/function/team-a/mine']);
  });
});
