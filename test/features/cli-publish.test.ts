/** `moonhook publish` against a running `moonhook dev`: where an event goes, once, and what is wrong with one. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli, startCli, type CliResult } from '../builders/run-cli.ts';

const folder = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: listens, namespace: shop }
spec:
  code: |
    return function(event)
      kv.set(event.id, { type = event.type, source = event.source, subject = event.subject, data = event.data,
        region = event.attributes and event.attributes.region })
    end
  triggers:
    - { name: orders, event: { type: com.acme.* } }
`;

const foreseen = `---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: picky, namespace: foresight }
spec:
  code: |
    return function() kv.incr("runs") end
  triggers:
    - { name: dear, event: { type: com.acme.order.* }, filter: event.data.total > 100 }
    - { name: odd, event: { type: com.acme.order.* }, filter: event.data.rows.first }
    - { name: till, event: { type: com.acme.order.*, source: /till } }
    - { name: other, event: { type: com.other } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: rests, namespace: foresight }
spec:
  suspend: true
  code: return function() end
  triggers: [{ name: all, event: { type: '*' } }]
---
apiVersion: v1
kind: Secret
metadata: { name: keys, namespace: foresight }
stringData: { key: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: big, namespace: foresight }
spec:
  url: https://hooks.example.com/in
  events: [com.acme.order.*]
  secretRefs: [{ name: keys, key: key }]
  filter: event.data.total > 1000
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: narrow, namespace: foresight }
spec:
  url: https://hooks.example.com/in
  events: [com.acme.*]
  channels: [eu]
  secretRefs: [{ name: keys, key: key }]
`;

test('publish puts an event on the bus of a namespace, once', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-publish-'));
  mkdirSync(join(base, 'hooks'));
  writeFileSync(join(base, 'hooks', 'shop.yaml'), folder + foreseen);
  writeFileSync(join(base, 'data.json'), '{"n":2}');
  const dev = startCli(['dev', 'hooks', '--port', '0', '--call-port', '0', '--admin-port', '0'], { cwd: base });
  context.after(async () => {
    await dev.stop('SIGKILL');
    rmSync(base, { recursive: true, force: true });
  });
  await dev.output(/serves hooks: 5 of 5 functions and subscriptions ready/);
  const cli = (...parts: readonly string[]): Promise<CliResult> => runCli(parts, { cwd: join(base, 'hooks') });
  /** What the function has kept of an event, once it ran. */
  const kept = async (id: string): Promise<unknown> => {
    for (let tries = 0; tries < 100; tries += 1) {
      const { exitCode, stdout } = await cli('kv', 'get', 'shop/listens', id);
      if (exitCode === 0) return JSON.parse(stdout);
    }
    return assert.fail(`nothing ran for ${id}`);
  };

  await context.test('with everything that it may say', async () => {
    const attributes = ['--attribute', 'region=eu', '--subject', 'orders/7', '--source', '/till'];
    const { exitCode: code, stdout } = await cli(
      'publish',
      'com.acme.paid',
      '-n',
      'shop',
      '--id',
      'p1',
      '-d',
      '{"n":1}',
      ...attributes,
    );
    assert.equal(stdout, 'event p1 goes to 1 destination; its story: moonhook explain p1 -n shop\n');
    assert.equal(code, 0);
    const told = { type: 'com.acme.paid', source: '/till', subject: 'orders/7', data: { n: 1 }, region: 'eu' };
    assert.deepEqual(await kept('p1'), told);
    const story = await cli('explain', 'p1', '-n', 'shop');
    assert.match(story.stdout, /shop\/listens trigger orders · ok/);
  });

  await context.test('from a file, or as text, with an id of its own', async () => {
    const file = await cli('publish', 'com.acme.paid', '-n', 'shop', '-d', `@${join(base, 'data.json')}`, '-o', 'json');
    const { id, deliveries } = JSON.parse(file.stdout) as { readonly id: string; readonly deliveries: number };
    assert.equal(deliveries, 1);
    assert.deepEqual(await kept(id), { type: 'com.acme.paid', source: '/moonhook/cli', data: { n: 2 } });
    await cli('publish', 'com.acme.said', '-n', 'shop', '--id', 'p2', '-d', 'not {json', '--text');
    assert.deepEqual(await kept('p2'), { type: 'com.acme.said', source: '/moonhook/cli', data: 'not {json' });
  });

  await context.test('a repetition and an event that nobody wants are told', async () => {
    const again = await cli('publish', 'com.acme.paid', '-n', 'shop', '--id', 'p1', '--source', '/till');
    assert.equal(again.stdout, 'event p1 was published before: nothing runs again\n');
    const nobody = await cli('publish', 'com.other', '-n', 'shop', '--id', 'p3');
    assert.equal(
      nobody.stdout,
      'event p3 goes nowhere: no event trigger and no subscription of shop matches com.other\n',
    );
    assert.deepEqual([again.exitCode, nobody.exitCode], [0, 0]);
    // Nothing was kept of it, so its id is free: once somebody listens, the same event arrives.
    const heard = await cli('publish', 'com.acme.late', '-n', 'shop', '--id', 'p3');
    assert.match(heard.stdout, /^event p3 goes to 1 destination/);
    assert.deepEqual(await kept('p3'), { type: 'com.acme.late', source: '/moonhook/cli' });
  });

  await context.test('the id finds its deliveries, also of what has not run yet, and acts on them', async () => {
    await cli('suspend', 'shop/listens');
    const { stdout } = await cli('publish', 'com.acme.paid', '-n', 'shop', '--id', 'p/4 #1', '-d', '1');
    assert.match(stdout, /goes to 1 destination/);
    const story = await cli('explain', 'p/4 #1', '-n', 'shop');
    assert.match(story.stdout, /delivery dlv-\d+ to shop\/listens trigger orders: waiting/, story.stderr);
    assert.match((await cli('deliveries', '-n', 'shop', '--id', 'p/4 #1')).stdout, /shop\/listens orders +waiting/);
    const cancelled = await cli('cancel', 'p/4 #1', '-n', 'shop', '-y');
    assert.match(cancelled.stdout, /^1 delivery/, cancelled.stderr);
    const elsewhere = await cli('explain', 'p/4 #1', '-n', 'other');
    assert.equal(elsewhere.exitCode, 5);
    await cli('resume', 'shop/listens');
    const replayed = await cli('replay', 'p/4 #1', '-n', 'shop', '-y');
    assert.match(replayed.stdout, /^1 delivery runs again/, replayed.stderr);
    assert.deepEqual(await kept('p/4 #1'), { type: 'com.acme.paid', source: '/moonhook/cli', data: 1 });
    // The same id of another source is another event: which one is meant has to be said.
    await cli('publish', 'com.acme.paid', '-n', 'shop', '--id', 'p/4 #1', '--source', '/till');
    const both = await cli('cancel', 'p/4 #1', '-n', 'shop', '-y');
    assert.equal(both.exitCode, 2);
    const named = /2 events: name one of .*(\/till#[^, \n]+)/.exec(both.stderr)?.[1] ?? both.stderr;
    const one = await cli('explain', named, '-n', 'shop');
    assert.match(one.stdout, /to shop\/listens trigger orders/, one.stderr);
  });

  await context.test('a dry run says who would receive it, and why the others would not', async () => {
    const event = ['publish', 'com.acme.order.paid', '-n', 'foresight', '--id', 'f1', '-d', '{"total":200}'];
    const { stdout, stderr, exitCode } = await cli(...event, '--dry-run');
    assert.equal(exitCode, 0, stderr);
    const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
    assert.deepEqual(rows.slice(0, 3), [
      ['TO', 'RECEIVES', 'WHY'],
      ['foresight/picky dear', 'yes'],
      ['foresight/rests all', 'yes', 'it would wait: the function is suspended'],
    ]);
    for (const [to, why] of [
      ['foresight/picky odd', /^its filter fails, and so would each attempt: attempt to index a nil value/],
      ['foresight/picky till', /^it wants events from \/till$/],
      ['foresight/picky other', /^it wants com\.other$/],
      ['whs/foresight/big', /^its filter turns the event away$/],
      ['whs/foresight/narrow', /^it wants the channel eu$/],
    ] as const) {
      const row = rows.find(([name]) => name === to);
      assert.equal(row?.[1], 'no', stdout);
      assert.match(row[2] ?? '', why);
    }
    const { destinations } = JSON.parse((await cli(...event, '--dry-run', '-o', 'json')).stdout) as {
      destinations: readonly { receives: boolean }[];
    };
    assert.equal(destinations.filter(({ receives }) => receives).length, 2);
    // Nothing was stored, and the id is free: the event itself is new, and runs.
    assert.match((await cli('deliveries', '-n', 'foresight')).stderr, /no deliveries/);
    assert.match((await cli(...event)).stdout, /^event f1 goes to 4 destinations/);
    assert.equal((await cli('publish', 'com.acme.order.paid', '-n', 'nowhere', '--dry-run')).exitCode, 5);
  });

  await context.test('what cannot be published is refused with the reason, and nothing is stored', async () => {
    for (const [parts, why, code] of [
      [['com.acme.bad', '-n', 'shop', '-d', '{"n":'], /the data is not JSON .*--text/, 2],
      [['com.acme.bad', '-n', 'shop', '-d', '@nowhere'], /cannot read nowhere/, 2],
      [['com.acme.bad', '-n', 'shop', '--attribute', 'region'], /NAME=VALUE/, 2],
      [['com.acme.bad', '-n', 'shop', '--attribute', 'hops=1'], /hops/, 2],
      [['dev.moonhook.call.dead', '-n', 'shop'], /dev\.moonhook/, 2],
      [['com.acme.bad', '-n', 'nowhere'], /namespace "nowhere" has no functions/, 5],
    ] as const) {
      const result = await cli('publish', ...parts);
      assert.equal(result.exitCode, code, result.stderr);
      assert.match(result.stderr, why);
      assert.equal(result.stdout, '');
    }
    const { stdout } = await cli('deliveries', '-n', 'shop');
    assert.ok(stdout.includes('com.acme.paid') && !stdout.includes('com.acme.bad'), stdout);
  });
});
