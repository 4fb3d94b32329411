/** A watch that begins with what is there: all of it, however many pages that takes. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { LiveQuery } from '../../link/live-questions.ts';
import { isRefusal } from './api-status.ts';
import { createAnswerer } from './answer-request.ts';
import { createRuntimes, type RuntimeLinks } from './ask-runtimes.ts';
import type { ApiParts, WatchEvent } from './handler.ts';

type Page = { readonly status: number; readonly body?: unknown; readonly message?: string };

/** A runtime with so many deliveries that answers pages of them, newest first, and no changes; with none it says there are more. */
function runtimeWith(count: number, failsAfter = Number.POSITIVE_INFINITY) {
  const asked: (string | undefined)[] = [];
  const pageOf = (question: LiveQuery): Page => {
    if (question.op === 'deliveryChanges') return { status: 200, body: { events: [], gone: 'the test ends here' } };
    assert.equal(question.op, 'deliveries');
    if (question.op !== 'deliveries') return { status: 500 };
    const { limit = '', continue: after } = question.query;
    asked.push(after);
    if (asked.length > failsAfter) return { status: 409, message: 'no more pages today' };
    if (count === 0) return { status: 200, body: { items: [], metadata: { continue: 'dlv-1' } } };
    const from = after === undefined ? count : Number(after.slice('dlv-'.length)) - 1;
    const length = Math.min(from, Number(limit));
    const items = Array.from({ length }, (_, index) => ({
      kind: 'Delivery',
      metadata: {
        name: `dlv-${from - index}`,
        namespace: 'team-a',
        creationTimestamp: new Date((from - index) * 1_000).toISOString(),
      },
      state: 'done',
    }));
    const metadata = from > length ? { continue: `dlv-${from - length + 1}` } : {};
    return { status: 200, body: { items, metadata } };
  };
  const links: RuntimeLinks = {
    runtimes: () => [
      {
        runtime: 'runtime-1',
        podName: 'pod-1',
        podUid: 'pod-1',
        group: 'default',
        connected: true,
        ready: true,
        acknowledgements: new Map(),
      },
    ],
    ask: async (_podUid, _topic, body) => ({ ok: true, body: pageOf(body as LiveQuery) }),
  };
  const parts = {
    runtimes: createRuntimes(links, () => 0),
    namespaceOf: async (name: string) => ({ name, uid: `uid-${name}` }),
    groupsOf: () => ['default'],
    onRefusedRows: (group: string, rows: number) => assert.fail(`${rows} rows of ${group} were not believed`),
    sleep: async () => undefined,
    wall: () => Date.UTC(2026, 0, 1),
    random: () => 0,
  } as unknown as ApiParts;
  const answer = createAnswerer(parts, async () => undefined);
  return {
    asked,
    async watch(query: string): Promise<readonly WatchEvent[]> {
      const said = await answer({
        method: 'GET',
        url: `/apis/run.moonhook.dev/v1alpha1/namespaces/team-a/deliveries?watch=true&${query}`,
        body: Buffer.alloc(0),
        signal: AbortSignal.timeout(30_000),
        user: { name: 'ada', groups: [], extra: {} },
      });
      assert.ok(!isRefusal(said), JSON.stringify(said));
      assert.equal(said.kind, 'watch');
      const events: WatchEvent[] = [];
      if (said.kind === 'watch') for await (const event of said.events) events.push(event);
      return events;
    },
  };
}

const nameOf = ({ object }: WatchEvent): string => (object['metadata'] as { readonly name: string }).name;
const versionOf = ({ object }: WatchEvent): string =>
  (object['metadata'] as { readonly resourceVersion: string }).resourceVersion;

suite('a watch that begins with what is there', () => {
  test('tells of each of 2,500 once, then that this was all, and only the end has a version to go on from', async () => {
    const { watch, asked } = runtimeWith(2_500);
    const events = await watch('sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true');
    const first = events.slice(0, 2_500);
    assert.deepEqual(new Set(first.map(({ type }) => type)), new Set(['ADDED']));
    assert.equal(new Set(first.map(nameOf)).size, 2_500);
    assert.deepEqual(asked, [undefined, 'dlv-1501', 'dlv-501']);
    const [last, bookmark, ...others] = events.slice(2_499);
    assert.deepEqual(new Set(first.slice(0, -1).map(versionOf)), new Set(['0']));
    assert.ok(last !== undefined && bookmark !== undefined);
    assert.notEqual(versionOf(last), '0');
    assert.equal(bookmark.type, 'BOOKMARK');
    assert.equal(versionOf(bookmark), versionOf(last));
    assert.deepEqual(bookmark.object['metadata'], {
      resourceVersion: versionOf(last),
      annotations: { 'k8s.io/initial-events-end': 'true' },
    });
    assert.deepEqual(
      others.map(({ type, object }) => [type, object['code']]),
      [['ERROR', 410]],
      'it goes on from the list',
    );
  });

  test('tells of all without being asked for the end, and one page as before: from the oldest on', async () => {
    const many = await runtimeWith(1_001).watch('resourceVersion=0');
    assert.equal(many.filter(({ type }) => type === 'ADDED').length, 1_001);
    assert.ok(many.every(({ type }) => type !== 'BOOKMARK'));
    const few = await runtimeWith(3).watch('');
    assert.deepEqual(few.slice(0, 3).map(nameOf), ['dlv-1', 'dlv-2', 'dlv-3']);
  });

  test('ends with the refusal of a page, and never says that this was all', async () => {
    const events = await runtimeWith(2_500, 1).watch('sendInitialEvents=true');
    assert.equal(events.length, 1_001);
    const last = events.at(-1);
    assert.equal(last?.type, 'ERROR');
    assert.deepEqual([last?.object['code'], last?.object['message']], [409, 'no more pages today']);
  });

  test('ends where a runtime says again and again that there are more', async () => {
    const { watch, asked } = runtimeWith(0, 20);
    const [only, ...others] = await watch('sendInitialEvents=true');
    assert.deepEqual([only?.object['message'], others], ['the list has no next page', []]);
    assert.equal(asked.length, 2);
  });
});
