/** Deliveries of a local run from outside: listed, told to the end, run again, cancelled; never across a namespace. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { startLocal, type LocalFixture } from '../builders/local-run.ts';
import { answer, startReceiver } from '../builders/webhook-receiver.ts';

interface Delivery {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly event: { readonly id: string; readonly type: string };
  readonly to: { readonly kind: string; readonly name: string; readonly trigger?: string };
  readonly state: string;
  readonly generation: number;
  readonly attempts: number;
  readonly reason?: string;
  readonly error?: string;
  readonly waitsFor?: string;
}

/** Fails until the key `good` of its own space is set. */
const hooks = (namespace: string, more = ''): string => `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: job, namespace: ${namespace} }
spec:
  code: |
    return function(event)
      if event.data and event.data.wait then error(retry_after(3600)) end
      if not kv.get("good") then error(fail "not good yet") end
      log.info("done", { id = event.id })
    end
${more}  triggers:
    - { name: job, http: { path: job, mode: async, receiver: { open: {} } } }
    - { name: ordered, event: { type: "com.acme.*" } }
`;

class Api {
  readonly #local: LocalFixture;
  constructor(local: LocalFixture) {
    this.#local = local;
  }
  async ask(path: string, method = 'GET', body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#local.run.addresses.admin}/-/api${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#local.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, ...((await response.json()) as object) };
  }
  async deliveries(query: string, namespace = 'team-a'): Promise<readonly Delivery[]> {
    return (await this.ask(`/namespaces/${namespace}/deliveries?${query}`))['items'] as readonly Delivery[];
  }
  /** Asks until there are so many. */
  async count(query: string, count: number, namespace = 'team-a'): Promise<readonly Delivery[]> {
    let items: readonly Delivery[] = [];
    return await eventually(
      `${count} deliveries: ${query}`,
      async () => {
        items = await this.deliveries(query, namespace);
        return items.length === count && items;
      },
      () => items,
    );
  }
  async good(namespace = 'team-a'): Promise<void> {
    const { status } = await this.ask(`/namespaces/${namespace}/kv`, 'PUT', {
      function: 'job',
      key: 'good',
      value: '1',
    });
    assert.equal(status, 200);
  }
}

const post = (local: LocalFixture, path: string, data: unknown = {}): Promise<Response> =>
  local.fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(data) });

async function start(t: TestContext): Promise<{ readonly local: LocalFixture; readonly api: Api }> {
  const local = await startLocal(t, { files: { 'a.yaml': hooks('team-a'), 'b.yaml': hooks('team-b') } });
  return { local, api: new Api(local) };
}

suite('deliveries from outside', { timeout: 120_000 }, () => {
  test('a dead delivery is listed, told, and run again once for each wish', async (t) => {
    const { local, api } = await start(t);
    const id = (await post(local, '/team-a/job')).headers.get('x-call-id') ?? '';
    const [dead] = await api.count('state=dead', 1);
    assert.ok(dead);
    assert.deepEqual(
      [dead.event.id, dead.to, dead.attempts],
      [id, { kind: 'WebhookFunction', name: 'job', trigger: 'job' }, 1],
    );
    assert.match(`${dead.reason}: ${dead.error}`, /not good yet/);

    const told = await api.ask(`/namespaces/team-a/delivery?id=${dead.metadata.name}`);
    const lines = (told['lines'] as readonly string[]).join('\n');
    assert.match(lines, new RegExp(`event ${id} `));
    assert.match(lines, /delivery dlv-\d+ to team-a\/job trigger job: dead/);
    assert.match(lines, /run it again: moonhook replay dlv-\d+ -n team-a/);
    assert.match(lines, /attempt 1[\s\S]*ended dead/, 'its attempts, with what they said');
    const story = (await api.ask(`/explain?id=${id}`))['lines'] as readonly string[];
    assert.match(story.join('\n'), /ended accepted.*answered 202[\s\S]*ended dead[\s\S]*delivery dlv-\d+ .*: dead/);

    const dry = await api.ask('/namespaces/team-a/replay', 'POST', { function: 'job', dead: true, dryRun: true });
    assert.deepEqual([dry['count'], dry['exact'], dry['replay']], [1, true, undefined]);
    assert.equal((await api.deliveries('')).length, 1, 'nothing ran');
    await api.good();
    const order = { function: 'job', dead: true, generation: 100 };
    assert.equal((await api.ask('/namespaces/team-a/replay', 'POST', order))['count'], 1);
    const [done] = await api.count('state=done', 1);
    assert.deepEqual([done?.event.id, done?.generation], [id, 100]);
    const after = (await api.ask(`/explain?id=${dead.metadata.name}`))['lines'] as readonly string[];
    assert.match(
      after.join('\n'),
      new RegExp(`was run again as ${done?.metadata.name}\n.*${done?.metadata.name} .*: done`),
    );
    const again = await api.ask('/namespaces/team-a/replay', 'POST', order);
    assert.deepEqual([again['repeated'], again['count']], [true, 0]);
    const next = await api.ask('/namespaces/team-a/replay', 'POST', { ...order, generation: 101 });
    assert.equal(next['count'], 0, 'what a replay has done is no dead letter any more');
    assert.equal((await api.deliveries('state=dead&latest=true')).length, 0);
    const discarded = await api.ask('/namespaces/team-a/cancel', 'POST', { function: 'job', dead: true });
    assert.equal(discarded['count'], 0, 'so there is none to discard');
    assert.equal((await api.deliveries('state=dead')).length, 1, 'and its history stays');
    const other = await api.ask('/namespaces/team-a/replay', 'POST', { id, dryRun: true });
    assert.deepEqual(other['states'], { dead: 1, done: 1 });
    const all = await api.ask('/namespaces/team-a/replay', 'POST', { id, all: true, generation: 102 });
    assert.equal(all['count'], 1);
    await api.count('state=done', 2);
    const low = await api.ask('/namespaces/team-a/replay', 'POST', { id, all: true, generation: 99 });
    assert.match(JSON.stringify(low), /generation 99 is not above 102, by which some of them ran again: take a larger/);
    assert.equal(low['status'], 400);
    const chosen = await api.ask('/namespaces/team-a/replay', 'POST', { id, all: true });
    const { generation } = chosen['replay'] as { readonly generation: number };
    assert.ok(generation > 102, `the runtime chose ${generation}`);
    await api.count('state=done', 3);
  });

  test('cancelling ends what waits, and says what runs or has ended', async (t) => {
    const { local, api } = await start(t);
    const id = (await post(local, '/team-a/job', { wait: true })).headers.get('x-call-id') ?? '';
    const attempted = async (): Promise<Delivery | undefined> =>
      (await api.deliveries('state=waiting')).find(({ attempts }) => attempts === 1);
    while ((await attempted()) === undefined);
    const waiting = await attempted();
    assert.match(
      ((await api.ask(`/explain?id=${id}`))['lines'] as readonly string[]).join('\n'),
      /due at .*, in \d+ s/,
    );
    const dry = await api.ask('/namespaces/team-a/cancel', 'POST', { id, dryRun: true });
    assert.deepEqual([dry['count'], dry['dryRun'], (await attempted())?.state], [1, true, 'waiting']);
    const elsewhere = await api.ask('/namespaces/team-b/cancel', 'POST', { id });
    assert.equal(elsewhere['status'], 404, 'another namespace does not know the id');
    const byName = await api.ask('/namespaces/team-b/cancel', 'POST', { id: waiting?.metadata.name });
    assert.equal(byName['status'], 404, 'nor the number');
    assert.equal((await attempted())?.state, 'waiting', 'control: it waits still');
    const cancelled = await api.ask('/namespaces/team-a/cancel', 'POST', { id: waiting?.metadata.name });
    assert.deepEqual([cancelled['count'], cancelled['running']], [1, 0]);
    const repeat = await api.ask('/namespaces/team-a/cancel', 'POST', { id });
    assert.deepEqual([repeat['count'], repeat['states']], [0, { cancelled: 1 }]);
  });

  test('a replay to another function and to a subscription; its deliveries are cancelled with it', async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    receiver.on('/hook', answer(200));
    const subscription = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: out, namespace: team-a }
spec: { url: "${receiver.url}/hook", events: ["com.nobody.*"], secretRefs: [{ name: s, key: k }] }
---
apiVersion: v1
kind: Secret
metadata: { name: s, namespace: team-a, labels: { moonhook.dev/functions: "true" } }
stringData: { k: "whsec_${Buffer.from('a secret of the replay test').toString('base64')}" }
`;
    const local = await startLocal(t, {
      files: {
        'a.yaml': hooks('team-a'),
        'out.yaml': subscription,
        'idle.yaml': hooks('team-a', '  suspend: true\n').replaceAll('job', 'idle'),
      },
      options: { egressAllow: ['127.0.0.1'] },
    });
    const api = new Api(local);
    const id = (await post(local, '/team-a/job')).headers.get('x-call-id') ?? '';
    await api.count('state=dead', 1);
    const wrong = await api.ask('/namespaces/team-a/replay', 'POST', { id, to: { function: 'idle' }, generation: 5 });
    assert.match(String(wrong['detail']), /has the triggers idle, ordered: say which one takes it/);
    const gone = await api.ask('/namespaces/team-a/replay', 'POST', { id, to: { function: 'gone' }, generation: 5 });
    assert.equal(gone['status'], 404);
    await api.ask('/namespaces/team-a/replay', 'POST', { id, to: { subscription: 'out' }, generation: 5 });
    const [received] = await receiver.count('/hook', 1);
    assert.equal(received?.headers['webhook-id'], id);
    const idle = { id, to: { function: 'idle', trigger: 'idle' }, generation: 6 };
    await api.ask('/namespaces/team-a/replay', 'POST', idle);
    const [waiting] = await api.count('function=idle', 1);
    assert.equal(waiting?.waitsFor, 'the function is suspended');
    const other = await api.ask('/namespaces/team-b/replays/6', 'DELETE');
    assert.equal(other['status'], 404);
    const stopped = await api.ask('/namespaces/team-a/replays/6', 'DELETE');
    assert.equal(stopped['count'], 1);
    await api.count('function=idle&state=cancelled', 1);
  });

  test('lists are pages, newest first, of one namespace or of all', async (t) => {
    const { local, api } = await start(t);
    for (let n = 0; n < 5; n += 1) await post(local, '/team-a/job');
    await post(local, '/team-b/job');
    await api.count('state=dead', 5);
    await api.count('state=dead', 1, 'team-b');
    const seen: string[] = [];
    let next = '';
    for (let page = 0; page < 3; page += 1) {
      const list = await api.ask(`/deliveries?limit=2${next === '' ? '' : `&continue=${next}`}`);
      seen.push(...(list['items'] as readonly Delivery[]).map(({ metadata }) => metadata.name));
      next = (list['metadata'] as { continue?: string }).continue ?? '';
      assert.equal(next === '', page === 2);
    }
    assert.equal(new Set(seen).size, 6);
    const numbers = seen.map((name) => Number(name.slice(4)));
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => b - a),
    );
    assert.equal((await api.deliveries('function=other')).length, 0);
    assert.equal((await api.deliveries(`since=${new Date(Date.now() + 60_000).toISOString()}`)).length, 0);
  });

  test('mistakes in a request are told, and never widen what is meant', async (t) => {
    const { api } = await start(t);
    const cases: readonly (readonly [string, string, unknown, RegExp])[] = [
      ['/namespaces/team-a/replay', 'POST', { generation: 1, functoin: 'job' }, /unknown field "functoin"/],
      ['/namespaces/team-a/replay', 'POST', { generation: 0 }, /generation must be a whole number/],
      ['/namespaces/team-a/replay', 'POST', { generation: 2 ** 31 }, /generation must be/],
      ['/namespaces/team-a/replay', 'POST', { all: true, dead: true, generation: 1 }, /exclude each other/],
      ['/namespaces/team-a/cancel', 'POST', { since: 'yesterday' }, /since must be a time such as/],
      [
        '/namespaces/team-a/cancel',
        'POST',
        { function: 'job', trigger: 'nope' },
        /no function team-a\/job with a trigger nope/,
      ],
      ['/namespaces/team-a/cancel', 'POST', { function: 'a/b' }, /"a\/b" is not a name/],
      ['/namespaces/team-a/cancel', 'POST', [], /send an object/],
      // What is not `true` would be a cancellation of what waits, and in earnest.
      ['/namespaces/team-a/cancel', 'POST', { dead: 'true' }, /dead must be true or false, not "true"/],
      ['/namespaces/team-a/cancel', 'POST', { dryRun: 1 }, /dryRun must be true or false, not 1/],
      ['/namespaces/team-a/replay', 'POST', { generation: 1, dryRun: 'true' }, /dryRun must be true or false/],
      ['/namespaces/Team_A/deliveries', 'GET', undefined, /not the name of a namespace/],
      ['/namespaces/team-a/deliveries?state=gone', 'GET', undefined, /no state "gone"; known are waiting/],
      ['/namespaces/team-a/deliveries?limit=0', 'GET', undefined, /limit must be/],
      ['/namespaces/team-a/deliveries?continue=x', 'GET', undefined, /continue must be/],
    ];
    for (const [path, method, body, message] of cases) {
      const refused = await api.ask(path, method, body);
      assert.ok(Number(refused['status']) >= 400, path);
      assert.match(String(refused['detail']), message);
    }
  });
});
