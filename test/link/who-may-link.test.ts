import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { issueCertificate } from '../../src/controller/certificates/make-certificates.ts';
import { linkLimits, protocolVersion } from '../../src/link/protocol.ts';
import { functionEntry, routeTable } from '../builders/function-entry.ts';
import { realClock, serverName, testAuthority, TestTable, TestTokens, until } from './cluster.ts';
import { openForFile } from './opened.ts';
import { hello, openRaw, silentProxy, type RawLink } from './raw-link.ts';

const { closing, controller, runtime } = openForFile();

const pod = { name: 'r-1', uid: 'uid-of-r-1' };
const other = { name: 'r-2', uid: 'uid-of-r-2' };
const follow = { kind: 'follow', on: true, holds: [], more: false };

async function raw(...parameters: Parameters<typeof openRaw>): Promise<RawLink> {
  const made = await openRaw(...parameters);
  closing.push(() => made.socket.terminate());
  return made;
}

const hour = 3_600_000;

/** The wall clock of the controller, which a test moves on. */
function clockThatPasses(): { readonly clock: typeof realClock; pass(milliseconds: number): void } {
  let passed = 0;
  return {
    clock: { ...realClock, wall: () => Date.now() + passed },
    pass: (milliseconds) => void (passed += milliseconds),
  };
}

const secretTable = (): TestTable =>
  new TestTable(routeTable([functionEntry({ env: { KEY: 'hunter2-hunter2' }, secretEnv: ['KEY'] })]));

/** Whether the table came over a link. */
const hasTable = ({ received }: RawLink): boolean => received.some(({ kind }) => kind === 'table');

suite('who may open a link', () => {
  test('a runtime pod with its own token gets the table: the control of all that follows', async () => {
    const tokens = new TestTokens();
    const { server } = await controller(tokens, { table: secretTable() });
    const link = await raw(server.port, tokens.make(pod));
    assert.equal(link.outcome, 'open');
    link.send(hello(pod));
    link.send(follow);
    await until('the table comes', () => hasTable(link));
    assert.ok(JSON.stringify(link.received).includes('hunter2-hunter2'));
  });

  test('tokens that prove nothing are refused with the reason', async () => {
    const tokens = new TestTokens();
    const { server, log } = await controller(tokens);
    const outcome = async (token: string): Promise<string> => (await raw(server.port, token)).outcome;
    assert.match(await outcome('nonsense'), /^401 the API server does not know/);
    assert.match(await outcome(tokens.make(pod, { audience: 'moonhook' })), /^401 /);
    assert.match(await outcome(tokens.make(undefined)), /^401 the token is not bound to a pod/);
    const users = [
      'system:serviceaccount:moonhook:other',
      'system:serviceaccount:team-a:moonhook-runtime',
      'system:serviceaccount:moonhook:moonhook-runtime:x',
      'moonhook-runtime',
      'admin',
    ];
    for (const user of users) {
      assert.match(await outcome(tokens.make(pod, { user })), /^401 .*not that of a runtime/, user);
    }
    tokens.podGone(other.uid);
    assert.match(await outcome(tokens.make(other)), /^401 .*its pod is gone/);
    tokens.away = true;
    assert.match(await outcome(tokens.make(pod)), /^503 /);
    const token = tokens.make(pod);
    await outcome(token);
    assert.ok(!log.lines.join('').includes(token));
  });

  test('web pages, other paths and unknown protocols are refused before any token is looked at', async () => {
    const tokens = new TestTokens();
    const { server } = await controller(tokens);
    const token = tokens.make(pod);
    assert.match((await raw(server.port, token, { origin: 'https://evil.example' })).outcome, /^403 .*Origin/);
    assert.match((await raw(server.port, token, { path: '/other' })).outcome, /^404 /);
    assert.match((await raw(server.port, token, { protocols: ['chat'] })).outcome, /^400 .*moonhook-link\.v1/);
    assert.match((await raw(server.port, token, { protocols: [] })).outcome, /^400 /);
    assert.equal(tokens.reviews, 0);
    assert.equal((await raw(server.port, token)).outcome, 'open');
    assert.equal(tokens.reviews, 1);
  });

  test('a runtime cannot claim another pod or group, nor speak before its hello', async () => {
    const tokens = new TestTokens();
    const { server } = await controller(tokens, { table: secretTable() });
    for (const claim of [hello(other), hello(pod, { podName: 'r-9' }), hello(pod, { group: 'payments' })]) {
      const link = await raw(server.port, tokens.make(pod));
      link.send(claim);
      link.send(follow);
      assert.match(await link.closed(), /^4002 /);
      assert.ok(!hasTable(link));
    }
    const early = await raw(server.port, tokens.make(pod));
    early.send(follow);
    assert.match(await early.closed(), /^4000 /);
    assert.ok(!hasTable(early));
    const asking = await raw(server.port, tokens.make(pod));
    asking.send({ kind: 'ask', id: 1, topic: 'review', body: {} });
    await until('it is refused', () => asking.received.some(({ code }) => code === 'Refused'));
  });

  test('one link for each pod: the newer one takes the place', async () => {
    const tokens = new TestTokens();
    const { server } = await controller(tokens);
    const first = await raw(server.port, tokens.make(pod));
    first.send(hello(pod));
    await until('it is known', () => server.runtimes().length === 1);
    const second = await raw(server.port, tokens.make(pod));
    second.send(hello(pod, { runtime: 'restarted' }));
    assert.match(await first.closed(), /^4004 /);
    assert.equal(server.runtimes().filter(({ connected }) => connected).length, 1);
  });
});

suite('what a link may cost', () => {
  test('too large, too many, no text, no protocol: the link is closed', async () => {
    const tokens = new TestTokens();
    const limits = { ...linkLimits, upBytes: 10_000, messageBurst: 50, messagesPerSecond: 10 };
    const { server } = await controller(tokens, { server: { limits } });
    const greeted = async (): Promise<RawLink> => {
      const link = await raw(server.port, tokens.make(pod));
      link.send(hello(pod));
      return link;
    };
    const large = await greeted();
    large.socket.send('x'.repeat(20_000));
    assert.match(await large.closed(), /^1009/);
    const flood = await greeted();
    for (let count = 0; count < 200; count += 1) flood.send({ kind: 'unknown' });
    assert.match(await flood.closed(), /^(4005|1006)/);
    const binary = await greeted();
    binary.socket.send(Buffer.from('{}'));
    assert.match(await binary.closed(), /^4000/);
    for (const text of ['{', '[]', '{"kind":1}', '{"kind":"judged","acknowledgements":[{}]}', '{"kind":"proof"}']) {
      const wrong = await greeted();
      wrong.socket.send(text);
      assert.match(await wrong.closed(), /^4000/, text);
    }
    const control = await greeted();
    control.send({ kind: 'of a newer program', anything: true });
    await until('it stays', () => server.runtimes().some(({ connected }) => connected));
    assert.equal(control.socket.readyState, control.socket.OPEN);
  });

  test('nothing is compressed, and whoever says nothing is closed', async () => {
    const tokens = new TestTokens();
    const { server } = await controller(tokens, { server: { limits: { ...linkLimits, helloMs: 50 } } });
    const link = await raw(server.port, tokens.make(pod));
    assert.equal(link.socket.extensions, '', 'permessage-deflate was offered and not taken');
    assert.match(await link.closed(), /^4001 no hello/);
  });

  test('what a runtime says of functions it was not given is not kept', async () => {
    const tokens = new TestTokens();
    const foreign = functionEntry({ name: 'foreign', group: 'payments' });
    const table = new TestTable(routeTable([functionEntry(), foreign]));
    const { server } = await controller(tokens, { table });
    const link = await raw(server.port, tokens.make(pod));
    link.send(hello(pod));
    const say = (uid: string) => ({ uid, revision: 'any', accepted: true });
    const uids = [foreign.uid, 'made-up', functionEntry().uid];
    link.send({ kind: 'judged', acknowledgements: uids.map(say) });
    await until('it was heard', () => (server.runtimes()[0]?.acknowledgements.size ?? 0) > 0);
    assert.deepEqual([...(server.runtimes()[0]?.acknowledgements.keys() ?? [])], [functionEntry().uid]);
  });
});

test('many messages in one packet are heard in as many turns of the loop', async () => {
  const tokens = new TestTokens();
  const functions = Array.from({ length: 50 }, (_each, index) => functionEntry({ name: `hook-${index}` }));
  const { server } = await controller(tokens, { table: new TestTable(routeTable(functions)) });
  const link = await raw(server.port, tokens.make(pod));
  link.send(hello(pod));
  await until('it was greeted', () => server.runtimes().length > 0);
  let turn = 0;
  const count = (): void => {
    turn += 1;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  closing.push(() => clearImmediate(counting));
  const heard: number[] = [];
  server.subscribe(() => void heard.push(turn));
  for (const { uid } of functions) {
    link.send({ kind: 'judged', acknowledgements: [{ uid, revision: 'any', accepted: true }] });
  }
  await until('all was heard', () => heard.length === functions.length);
  assert.equal(new Set(heard).size, functions.length);
});

suite('how long a link holds', () => {
  test('it ends with its token, unless a newer one of the same pod came', async () => {
    const tokens = new TestTokens();
    const { clock, pass } = clockThatPasses();
    const { server } = await controller(tokens, { server: { clock, reviewEveryMs: 50 } });
    const ends = await raw(server.port, tokens.make(pod, { endsInMs: hour }));
    ends.send(hello(pod));
    const renewed = await raw(server.port, tokens.make(other, { endsInMs: hour }));
    const newer = tokens.make(other, { endsInMs: 10 * hour });
    renewed.send(hello(other));
    renewed.send({ kind: 'proof', token: newer });
    await until('both are known, and the newer token was reviewed', () => {
      return server.runtimes().length === 2 && tokens.reviewed.has(newer);
    });
    pass(2 * hour);
    assert.match(await ends.closed(), /^4003 the token has ended/);
    const before = tokens.reviews;
    await until('it was reviewed since', () => tokens.reviews > before + 2);
    assert.equal(renewed.socket.readyState, renewed.socket.OPEN);
    assert.ok(server.runtimes().some(({ podUid, connected }) => podUid === other.uid && connected));
  });

  test("another pod's token does not renew it", async () => {
    const tokens = new TestTokens();
    const { server } = await controller(tokens);
    const link = await raw(server.port, tokens.make(pod));
    link.send(hello(pod));
    link.send({ kind: 'proof', token: tokens.make(other) });
    assert.match(await link.closed(), /^4003 .*another pod/);
  });

  test('it ends when its pod is gone, by the watch or by the next review; not when the API server is away', async () => {
    const tokens = new TestTokens();
    const { server } = await controller(tokens, { server: { reviewEveryMs: 50 } });
    const reviewed = await raw(server.port, tokens.make(pod));
    reviewed.send(hello(pod));
    const watched = await raw(server.port, tokens.make(other));
    watched.send(hello(other));
    await until('both are known', () => server.runtimes().length === 2);
    tokens.away = true;
    const before = tokens.reviews;
    await until('they were reviewed', () => tokens.reviews > before + 4);
    assert.ok(server.runtimes().every(({ connected }) => connected));
    tokens.away = false;
    tokens.podGone(pod.uid);
    assert.match(await reviewed.closed(), /^4003 /);
    server.podGone(other.uid);
    assert.match(await watched.closed(), /^4003 the pod is gone/);
    assert.ok(server.runtimes().every(({ podUid }) => podUid !== other.uid));
  });

  test('a runtime sends the newer token of its file before the older one ends', async () => {
    const tokens = new TestTokens();
    const { clock, pass } = clockThatPasses();
    const { server } = await controller(tokens, { server: { clock, reviewEveryMs: 50 } });
    let token = tokens.make(pod, { endsInMs: hour });
    const { certificate } = await testAuthority();
    await runtime(pod, tokens, [{ server }], {
      credentials: async () => ({ token, authorities: certificate }),
      // It is asked, and does not come to look by itself.
      lookEveryMs: 3_600_000,
    });
    await until('it is linked', () => server.runtimes().some(({ connected }) => connected));
    token = tokens.make(pod, { endsInMs: 10 * hour });
    assert.ok(!tokens.reviewed.has(token));
    pass(hour - 60_000);
    await until('the newer one was reviewed', () => tokens.reviewed.has(token));
    pass(2 * hour);
    const before = tokens.reviews;
    await until('it was reviewed since', () => tokens.reviews > before + 2);
    assert.ok(server.runtimes().every(({ connected }) => connected));
  });

  test('a new certificate is for new connections; links that are open stay', async () => {
    const tokens = new TestTokens();
    const { server } = await controller(tokens);
    const before = await raw(server.port, tokens.make(pod));
    before.send(hello(pod));
    const day = 86_400_000;
    const validity = { from: Date.now() - day, until: Date.now() + day };
    const next = await testAuthority('the next authority');
    server.setCertificate(await issueCertificate(next, [serverName], validity));
    assert.match((await raw(server.port, tokens.make(other))).outcome, /signature|unable to verify|self-signed/i);
    let authorities = (await testAuthority()).certificate;
    const one = await runtime(other, tokens, [{ server }], {
      credentials: async () => ({ token: tokens.make(other), authorities }),
    });
    await until('it is refused', () => one.log.lines.some((line) => line.includes('the link to a controller')));
    // The mounted ConfigMap now holds both.
    authorities += next.certificate;
    await until('it is linked', () => one.client.links === 1);
    assert.equal(before.socket.readyState, before.socket.OPEN);
  });

  test('half-open connections are found by both ends', async () => {
    const tokens = new TestTokens();
    const limits = { ...linkLimits, pingMs: 50, deadMs: 300 };
    const { server } = await controller(tokens, { server: { limits } });
    const proxy = await silentProxy(server.port);
    closing.push(() => proxy.close());
    const one = await runtime(pod, tokens, [{ server: { port: proxy.port } }], { limits });
    await until('it is ready', () => one.client.notReady() === undefined);
    proxy.silence();
    await until('the controller notices', () => server.runtimes().every(({ connected }) => !connected));
    await until('the runtime notices', () => one.client.links === 0);
    assert.equal(one.client.notReady(), undefined, 'it serves what it has');
  });
});

suite('protocol versions', () => {
  test('the next version speaks with this one, in both directions; two apart do not', async () => {
    const tokens = new TestTokens();
    const next = await controller(tokens, { server: { newest: protocolVersion + 1 } });
    const old = await runtime(pod, tokens, [next]);
    await until('an older runtime is served', () => old.client.notReady() === undefined);
    const current = await controller(tokens);
    const newer = await runtime(other, tokens, [current], { newest: protocolVersion + 1 });
    await until('a newer runtime is served', () => newer.client.notReady() === undefined);
    const far = await controller(tokens, { server: { newest: protocolVersion + 2 } });
    const refused = await runtime({ name: 'r-3', uid: 'uid-3' }, tokens, [far]);
    await until('it is told', () => refused.log.lines.some((line) => /400: .*upgrade the older side/.test(line)));
    assert.equal(refused.client.links, 0);
  });
});
