/** A runtime that was taken over answers with what it likes: what of it reaches people who asked about a namespace. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { LiveQuery } from '../../link/live-questions.ts';
import { isRefusal } from './api-status.ts';
import { createAnswerer } from './answer-request.ts';
import { createRuntimes, type RuntimeLinks } from './ask-runtimes.ts';
import type { ApiParts, Fields } from './handler.ts';

const call = (callId: string, changed: Fields = {}): Fields => ({
  callId,
  kind: 'http',
  time: 1,
  namespace: 'team-a',
  namespaceUid: 'uid-team-a',
  functionName: 'orders',
  outcome: 'ok',
  ...changed,
});

const delivery = (number: number, changed: Fields = {}): Fields => ({
  kind: 'Delivery',
  metadata: { name: `dlv-${number}`, namespace: 'team-a', creationTimestamp: '2026-01-01T00:00:00Z', ...changed },
  state: 'dead',
});

/** What it says beside the one row that is right. */
const inventedCalls = [
  call('of-b', { namespace: 'team-b', namespaceUid: 'uid-team-b' }),
  call('of-b-by-name', { namespace: 'team-b' }),
  call('of-the-namespace-before', { namespaceUid: 'uid-of-an-older-team-a' }),
  call('without-a-time', { time: 'soon' }),
  call('of-no-day', { time: 1e300 }),
  call('', {}),
  null,
  'a row',
];
const inventedDeliveries = [
  delivery(2, { namespace: 'team-b' }),
  delivery(3, { name: '../../team-b' }),
  delivery(4, { creationTimestamp: 7 }),
  { metadata: null },
  null,
];

/** Two groups with a runtime each; that of `default` serves team-a, that of `other` team-b. What a runtime answers is given. */
function api(answers: Readonly<Record<string, (question: LiveQuery) => unknown>>) {
  const asked: string[] = [];
  let refused = 0;
  const links: RuntimeLinks = {
    runtimes: () =>
      ['default', 'other'].map((group) => ({
        runtime: `runtime-${group}`,
        podName: group,
        podUid: group,
        group,
        connected: true,
        ready: true,
        acknowledgements: new Map(),
      })),
    async ask(podUid, _topic, body) {
      asked.push(podUid);
      return { ok: true, body: { status: 200, body: answers[podUid]?.(body as LiveQuery) } };
    },
  };
  const groupOf = (name: string): string => (name === 'team-b' ? 'other' : 'default');
  const parts = {
    runtimes: createRuntimes(links, () => 0),
    namespaceOf: async (name: string) => ({ name, uid: `uid-${name}` }),
    groupsOf: (namespace?: { readonly name: string }) =>
      namespace === undefined ? ['default', 'other'] : [groupOf(namespace.name)],
    onRefusedRows: (_group: string, rows: number) => void (refused += rows),
    sleep: async () => undefined,
    wall: () => 0,
    random: () => 0,
  } as unknown as ApiParts;
  const answer = createAnswerer(parts, async () => undefined);
  return {
    asked,
    refused: () => refused,
    async get(path: string): Promise<unknown> {
      const said = await answer({
        method: 'GET',
        url: `/apis/run.moonhook.dev/v1alpha1${path}`,
        body: Buffer.alloc(0),
        signal: AbortSignal.timeout(30_000),
        user: { name: 'ada', groups: [], extra: {} },
      });
      if (isRefusal(said)) return said;
      if (said.kind === 'watch') {
        const events: string[] = [];
        for await (const { type, object } of said.events) {
          const { metadata, message } = object as { readonly metadata: { readonly name?: string }; message?: string };
          events.push(`${type} ${metadata.name ?? message}`);
        }
        return events;
      }
      if (said.kind === 'list') return said.list.items.map(({ metadata }) => metadata.name);
      assert.equal(said.kind, 'object');
      return said.kind === 'object' ? said.object : undefined;
    },
  };
}

suite('a runtime that invents', () => {
  const inventing = (): ReturnType<typeof api> =>
    api({
      default: (question) => {
        if (question.op === 'deliveries') return { items: [delivery(1), ...inventedDeliveries] };
        if (question.op === 'delivery') return delivery(2, { namespace: 'team-b' });
        const calls = [call('own'), ...inventedCalls];
        if (question.op === 'explain') return { calls, deliveries: [delivery(1), ...inventedDeliveries], lines: [] };
        return { calls, cursor: 'next', gap: false };
      },
    });

  for (const path of ['calls', 'calls?running=true', 'functions/-/logs', 'functions/-/records?follow=']) {
    test(`${path}: only calls of the namespace are shown, the others are counted`, async () => {
      const { get, refused } = inventing();
      assert.deepEqual(await get(`/namespaces/team-a/${path}`), ['own']);
      assert.equal(refused(), inventedCalls.length);
    });
  }

  test('of a function only its own calls, by whatever name they are asked for', async () => {
    const { get, refused } = api({
      default: () => ({ calls: [call('own'), call('of-another', { functionName: 'payments' })], cursor: 'next' }),
    });
    for (const path of ['calls?function=orders', 'functions/orders/logs', 'functions/orders/logs?follow=']) {
      assert.deepEqual(await get(`/namespaces/team-a/${path}`), ['own'], path);
    }
    assert.equal(refused(), 3);
    assert.deepEqual(
      await get('/namespaces/team-a/calls'),
      ['own', 'of-another'],
      'control: both are of the namespace',
    );
  });

  test('deliveries and dead letters likewise, in lists, by name and in stories', async () => {
    const { get, refused } = inventing();
    for (const resource of ['deliveries', 'deadletters']) {
      assert.deepEqual(await get(`/namespaces/team-a/${resource}`), ['dlv-1'], resource);
    }
    assert.equal(refused(), 2 * inventedDeliveries.length);
    assert.equal(((await get('/namespaces/team-a/deliveries/dlv-2')) as { readonly status: number }).status, 404);
    const story = JSON.stringify(await get('/namespaces/team-a/functions/-/explain?id=any'));
    assert.match(story, /"own"/);
    assert.match(story, /"dlv-1"/);
    assert.doesNotMatch(story, /of-b|dlv-2|team-b/);
  });

  test('a watch tells of changes of the namespace alone, and of nothing that is no change', async () => {
    let asked = 0;
    const { get, refused } = api({
      default: (question) => {
        assert.equal(question.op, 'deliveryChanges');
        if ((asked += 1) > 1) return { events: [], gone: 'that was all' };
        const invented = inventedDeliveries.map((object) => ({ type: 'MODIFIED', object }));
        return {
          events: [{ type: 'ADDED', object: delivery(1) }, ...invented, { type: 'REVEALED', object: delivery(9) }],
        };
      },
    });
    const events = await get('/namespaces/team-a/deadletters?watch=true&resourceVersion=1234567890');
    assert.ok(Array.isArray(events));
    assert.equal(events[0], 'ADDED dlv-1');
    assert.match(String(events[1]), /^ERROR this version cannot be gone on from: that was all/);
    assert.equal(events.length, 2);
    assert.equal(refused(), inventedDeliveries.length + 1);
  });

  test('asked about all namespaces it tells of those that its group serves', async () => {
    const { get, asked, refused } = api({
      default: () => ({ calls: [call('a'), call('b-of-nobody', { namespace: 'team-b' })] }),
      other: () => ({
        calls: [call('b', { namespace: 'team-b', namespaceUid: 'uid-team-b', time: 2 }), call('a-too')],
      }),
    });
    assert.deepEqual(await get('/calls'), ['b', 'a']);
    assert.deepEqual(asked.toSorted(), ['default', 'other']);
    assert.equal(refused(), 2);
  });

  test('runtimes of another group are not even asked about a namespace', async () => {
    const { get, asked } = inventing();
    for (const path of ['calls', 'calls?running=true', 'functions/-/logs?follow=', 'deliveries']) {
      await get(`/namespaces/team-a/${path}`);
    }
    assert.deepEqual([...new Set(asked)], ['default']);
  });

  test('what is no answer at all is refused, and nothing breaks', async () => {
    for (const body of [undefined, null, 'text', {}, { calls: 'many', items: 7 }]) {
      const { get } = api({ default: () => body });
      const lists = [await get('/namespaces/team-a/calls'), await get('/namespaces/team-a/deliveries')];
      for (const said of lists) {
        assert.ok(Array.isArray(said) ? said.length === 0 : (said as { readonly status: number }).status === 500);
      }
    }
  });
});
