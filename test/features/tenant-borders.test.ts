/**
 * The border between namespaces, at every question and act that a running runtime answers: asked in the name of another
 * namespace, or of one of the same name that was made later, with true ids, nothing is told and nothing changes.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { LiveAct, LiveAnswer, LiveQuery } from '../../src/link/live-questions.ts';
import { openLiveAnswers, type LiveAnswers } from '../../src/runtime/live/open-live-answers.ts';
import { openStore, type OpenStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../builders/eventually.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

/** In a body, a key and a log line of the first namespace: nobody else may ever be told it. */
const marker = 'only-for-team-a';
const code = `return {
  web = function(event)
    log.info(event.data.say)
    kv.set("said", event.data.say)
    error(fail(event.data.say))
  end,
  slow = function() sleep(600) end,
}`;

const teamA = { name: 'team-a', uid: 'ns-team-a' };
const strangers = {
  'another namespace': { name: 'team-b', uid: 'ns-team-b' },
  'a namespace of the same name made later': { name: 'team-a', uid: 'ns-team-a-again' },
};

type Asked =
  | { readonly topic: 'query'; readonly question: LiveQuery }
  | { readonly topic: 'act'; readonly question: LiveAct };
type Namespace = typeof teamA;

suite('what a runtime answers', () => {
  let served: ServedFunctions;
  let opened: OpenStore;
  let store: Store;
  let live: LiveAnswers;
  let ids = 0;
  const known = { call: '', event: '', dead: '', waiting: '', generation: 7 };

  before(async () => {
    opened = await openStore({ path: ':memory:', onLost: (error) => assert.fail(error) });
    store = opened.connect();
    const open = { open: {} };
    const worker = (namespace: string) => ({
      name: 'worker',
      namespace,
      code,
      limits: { timeout: '5m' },
      triggers: [
        { name: 'web', http: { path: 'web', mode: 'async' as const, receiver: open } },
        { name: 'slow', http: { path: 'slow', mode: 'async' as const, receiver: open } },
      ],
    });
    served = await serveFunctions({
      store: opened,
      settings: { workers: 1 },
      functions: [
        worker('team-a'),
        worker('team-b'),
        {
          ...worker('team-a'),
          name: 'resting',
          suspend: true,
          triggers: [{ name: 'rest', http: { path: 'rest', mode: 'async', receiver: open } }],
        },
      ],
    });
    live = openLiveAnswers({
      runtime: served.runtime,
      store,
      callToken: served.token,
      newId: () => `id-${(ids += 1)}`,
      after(milliseconds, callback) {
        const timer = setTimeout(callback, milliseconds);
        return () => clearTimeout(timer);
      },
      now: () => performance.now(),
      wall: () => Date.now(),
    });
    const send = async (path: string, say: string): Promise<string> => {
      const body = JSON.stringify({ say });
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(served.url + path, { method: 'POST', headers, body });
      assert.equal(response.status, 202);
      return response.headers.get('x-call-id') ?? '';
    };
    known.event = await send('/team-a/web', marker);
    const dead = await served.record({ functionName: 'worker', trigger: 'web', outcomes: ['dead'] });
    known.call = dead.callId;
    await send('/team-a/slow', marker);
    await send('/team-a/rest', marker);
    const rows = await store.read({ namespaceUid: teamA.uid }, { limit: 10 });
    known.dead = `dlv-${rows.find(({ state }) => state === 'dead')?.delivery}`;
    known.waiting = `dlv-${rows.find(({ state }) => state === 'waiting')?.delivery}`;
    await store.write(
      [
        {
          scope: { namespaceUid: teamA.uid, space: 'worker' },
          key: 'kept',
          change: { kind: 'set', value: Buffer.from(`"${marker}"`) },
        },
      ],
      [],
    );
  });
  after(async () => {
    await live.close();
    await served.close();
    await opened.close();
  });

  /** Each question and act with what is true of the first namespace, in the name of `namespace`. */
  const everything = (namespace: Namespace): Readonly<Record<LiveQuery['op'] | LiveAct['op'], readonly Asked[]>> => {
    const query = (question: LiveQuery): Asked => ({ topic: 'query', question });
    const act = (question: LiveAct): Asked => ({ topic: 'act', question });
    const depth = 'full';
    const uid = 'uid-team-a-worker';
    const all = [known.event, known.call, known.dead, known.waiting];
    return {
      deliveries: [{}, { id: known.event }, { function: 'worker' }].map((each) =>
        query({ op: 'deliveries', namespace, query: each }),
      ),
      deliveryChanges: [
        query({ op: 'deliveryChanges', namespace, query: {}, snapshot: 'of-team-a', from: 0, to: 1, waitMs: 0 }),
      ],
      delivery: all.map((id) => query({ op: 'delivery', namespace, id, depth, body: true })),
      explain: all.map((id) => query({ op: 'explain', namespace, id, depth })),
      calls: [{}, { id: known.call }].map((each) => query({ op: 'calls', namespace, query: each, depth })),
      running: [query({ op: 'running', namespace, query: {} })],
      follow: [query({ op: 'follow', namespace, query: {}, depth, cursor: '', waitMs: 0 })],
      explainRequest: [
        query({ op: 'explainRequest', namespace, uid, urls: [], request: { method: 'POST', url: '/team-a/web' } }),
      ],
      pastEvents: [query({ op: 'pastEvents', namespace, name: 'worker' })],
      standing: [query({ op: 'standing', namespace, uid })],
      replayStatus: [query({ op: 'replayStatus', namespace, generation: known.generation })],
      readKeys: [
        query({ op: 'readKeys', namespace, query: { function: 'worker', key: 'kept' } }),
        query({ op: 'readKeys', namespace, query: { function: 'worker', prefix: 'k' } }),
      ],
      replay: [{ id: known.dead }, { id: known.event }, { function: 'worker', dead: true }].map((body, index) =>
        act({ op: 'replay', namespace, body: { ...body, generation: 9 + index } }),
      ),
      cancelReplay: [act({ op: 'cancelReplay', namespace, generation: known.generation })],
      cancel: [{ id: known.waiting }, { id: known.dead, dead: true }, { function: 'resting' }].map((body) =>
        act({ op: 'cancel', namespace, body }),
      ),
      setKey: [act({ op: 'setKey', namespace, body: { function: 'worker', key: 'kept', value: '"mine"' } })],
      deleteKey: [act({ op: 'deleteKey', namespace, query: { function: 'worker', key: 'kept' } })],
      ping: [act({ op: 'ping', namespace, name: 'partner' })],
      request: [
        '/function/team-a/worker',
        '/async-function/team-a/worker',
        '/events/team-a',
        '/function/team-b/../team-a/worker',
      ].map((path) =>
        act({ op: 'request', namespace, principal: 'system:serviceaccount:x:y', method: 'POST', path, headers: [] }),
      ),
    };
  };

  const ask = async ({ topic, question }: Asked): Promise<LiveAnswer> => {
    const said = await live.answer(topic, question, AbortSignal.timeout(30_000));
    assert.ok(said.ok, JSON.stringify(said));
    return said.body as LiveAnswer;
  };

  /** All that is kept of the first namespace. */
  const state = async (): Promise<unknown> => [
    await store.read({ namespaceUid: teamA.uid }, { limit: 100 }),
    await store.get({ namespaceUid: teamA.uid, space: 'worker' }, 'kept'),
    await store.usage(teamA.uid),
  ];

  for (const [who, namespace] of Object.entries(strangers)) {
    test(`nothing is told to or done for ${who}`, async () => {
      const mine = await ask({
        topic: 'query',
        question: { op: 'deliveries', namespace: teamA, query: {}, remember: 'of-team-a' },
      });
      assert.equal(mine.status, 200);
      await ask({
        topic: 'act',
        question: { op: 'replay', namespace: teamA, body: { id: known.dead, generation: known.generation } },
      });
      const kept = await settled();
      for (const [op, questions] of Object.entries(everything(namespace))) {
        for (const asked of questions) {
          const told = JSON.stringify(await ask(asked));
          const what = `${op}: ${told}`;
          assert.ok(!told.includes(marker), what);
          // Its own words may come back in a message.
          assert.ok(!/"state":"(dead|waiting|leased)"|uid-team-a|ns-team-a"/.test(told), what);
          assert.deepEqual(await state(), kept, what);
        }
      }
    });
  }

  test('control: the same questions and acts tell and do it in its own name', async () => {
    const told = new Set<string>();
    for (const [op, questions] of Object.entries(everything(teamA))) {
      // What changes things comes last.
      for (const asked of questions.filter(({ topic }) => topic === 'query')) {
        const { status, ...more } = await ask(asked);
        if (status === 200 && /only-for-team-a|"dlv-|"worker"|"effective"/.test(JSON.stringify(more))) told.add(op);
      }
    }
    assert.deepEqual(
      ['deliveries', 'delivery', 'explain', 'calls', 'running', 'pastEvents', 'standing', 'readKeys'].filter(
        (op) => !told.has(op),
      ),
      [],
    );
    for (const shown of ['outline', 'logs', 'full'] as const) {
      const question = { op: 'delivery' as const, namespace: teamA, id: known.dead, depth: shown, body: true };
      const said = await ask({ topic: 'query', question });
      assert.equal(
        JSON.stringify(said).includes('bodyBase64'),
        shown === 'full',
        `the body, asked for at depth ${shown}`,
      );
    }
    const kept = await state();
    for (const op of ['replay', 'cancel', 'setKey', 'deleteKey'] as const) {
      for (const asked of everything(teamA)[op]) assert.equal((await ask(asked)).status, 200, op);
    }
    assert.notDeepEqual(await state(), kept);
  });

  /** Once the replay that was started has run, in the background. */
  async function settled(): Promise<unknown> {
    await eventually('the replay has run', async () => {
      const rows = await store.read({ namespaceUid: teamA.uid, generation: known.generation }, { limit: 10 });
      return rows.length > 0 && rows.every((row) => row.state === 'dead');
    });
    return await state();
  }
});
