/** `moonhook dev` as a process, and the verbs that speak to it. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli, startCli, type CliResult } from '../builders/run-cli.ts';

const hooks = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: greet, namespace: team-a }
spec:
  code: |
    return {
      web = function(event)
        log.info("greeting", { name = event.request.query.name, control = "\\27[31mred" })
        return { hello = event.request.query.name }
      end,
      item = function(event) return { item = event.request.params.id } end,
      call = function(event) return { called = event.data } end,
      slow = function() sleep(120) end,
      nightly = function(event)
        local x
        return x.y
      end,
    }
  triggers:
    - name: web
      http: { path: greet, methods: [GET], receiver: { open: {} } }
    - name: item
      http: { path: "items/:id", methods: [GET], receiver: { open: {} } }
    - name: slow
      limits: { timeout: 20s }
      http: { path: slow, methods: [GET], receiver: { open: {} } }
    - name: nightly
      schedule: { cron: "0 3 * * *" }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: push, namespace: team-a }
spec:
  code: return function(event) log.info("pushed " .. event.name) end
  triggers:
    - name: push
      http: { path: push, receiver: { github: { secretRefs: [{ name: github, key: secret }] } } }
`;

test('a run and the verbs that speak to it', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-cli-'));
  const folder = join(base, 'hooks');
  mkdirSync(folder);
  writeFileSync(join(folder, 'hooks.yaml'), hooks);
  writeFileSync(join(base, 'secrets.env'), 'github.secret=a-secret-of-more-than-16-bytes\n');
  const args = ['dev', 'hooks', '--port', '0', '--call-port', '0', '--admin-port', '0', '--env-file', 'secrets.env'];
  const dev = startCli(args, { cwd: base });
  context.after(async () => {
    await dev.stop('SIGKILL');
    rmSync(base, { recursive: true, force: true });
  });
  await dev.output(/serves hooks: 2 of 2 functions ready/);
  const url = (await dev.output(/http:\/\/127\.0\.0\.1:\d+(?=\/team-a\/greet)/)).trim();
  const cli = (...parts: readonly string[]): Promise<CliResult> => runCli(parts, { cwd: folder });

  await context.test('the data directory is beside the folder and private', () => {
    const file = join(base, '.moonhook', 'dev.json');
    const { token } = JSON.parse(readFileSync(file, 'utf8')) as { token: string };
    assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  });

  await context.test('list shows every function with its triggers', async () => {
    const { stdout, exitCode } = await cli('list');
    assert.equal(exitCode, 0);
    assert.match(stdout, /^NAMESPACE +NAME +READY +REASON +TRIGGERS +REVISION +URL\n/);
    assert.match(
      stdout,
      /\nteam-a +greet +True +Ready +web \(http\), item \(http\), slow \(http\), nightly \(schedule, next \d{4}-\d\d-\d\dT03:00Z\) +[0-9a-f]{8} +http/,
    );
    const json = await cli('list', '-n', 'team-a', '-o', 'json');
    assert.deepEqual(
      (JSON.parse(json.stdout) as { name: string }[]).map(({ name }) => name),
      ['greet', 'push'],
    );
    assert.equal((await cli('list', '-n', 'other')).stdout, '');
  });

  await context.test('describe shows conditions, routes and effective limits', async () => {
    const { stdout } = await cli('describe', 'team-a/greet');
    assert.match(stdout, /^File +hooks\.yaml:1$/m);
    assert.match(stdout, /^Ready +True +Ready/m);
    assert.match(stdout, /^web +http:\/\/127\.0\.0\.1:\d+\/team-a\/greet$/m);
    assert.match(stdout, /^nightly +0 3 \* \* \* UTC +\d{4}-\d\d-\d\dT03:00:00\.000Z +-$/m);
    assert.match(stdout, /timeout: 10s/);
    assert.doesNotMatch(stdout, /\w(?:Ms|Bytes):/);
    const missing = await cli('describe', 'greet');
    assert.equal(missing.exitCode, 5);
    assert.match(missing.stderr, /there is no function default\/greet; there is team-a\/greet/);
  });

  await context.test('invoke runs the call handler, a trigger by name, and tells errors with their line', async () => {
    const called = await cli('invoke', 'greet', '-n', 'team-a', '-d', '{"a":1}');
    assert.deepEqual([called.exitCode, called.stdout], [0, '{"called":{"a":1}}']);
    const failed = await cli('invoke', 'team-a/greet', '--trigger', 'nightly');
    assert.equal(failed.exitCode, 1);
    assert.match(failed.stderr, /^moonhook: hooks\.yaml:16: attempt to index a nil value \(local 'x'\)\n/);
    assert.match(failed.stderr, /The function failed \[FunctionError\]; moonhook explain \S+/);
    await dev.output(/the call ended error: hooks\.yaml:16: attempt to index a nil value/);
    const wrong = await cli('invoke', 'team-a/greet', '--trigger', 'nightli');
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /no trigger of that name; it has web, item, slow, nightly/);
    assert.equal((await cli('invoke', 'team-a/gone')).exitCode, 5);
    assert.equal((await cli('invoke', 'team-a/greet', '-H', 'broken')).exitCode, 2);
    for (const verb of ['invoke', 'send']) {
      const method = await cli(verb, 'team-a/greet', '--trigger', 'web', '-X', 'BAD/METHOD');
      assert.equal(method.exitCode, 2, verb);
      assert.match(method.stderr, /-X takes a method such as POST, not "BAD\/METHOD"/);
    }
    const text = await cli('invoke', 'team-a/greet', '-d', 'plain');
    assert.equal(text.exitCode, 2);
    assert.match(text.stderr, /-d is JSON unless another type is said: -H 'Content-Type: text\/plain'/);
    const later = await cli('invoke', 'team-a/greet', '--async', '-d', '{"b":2}', '-o', 'json');
    assert.equal((JSON.parse(later.stdout) as { status: number }).status, 202);
  });

  await context.test('send signs as the sender would', async () => {
    const sent = await cli(
      'send',
      'team-a/push',
      '--event',
      'push',
      '--env-file',
      join(base, 'secrets.env'),
      '-d',
      '{}',
    );
    assert.equal(sent.exitCode, 0, sent.stderr);
    const forged = await cli('send', 'team-a/push', '--event', 'push', '--secret', 'another-secret-of-16-bytes');
    assert.equal(forged.exitCode, 1);
    assert.match(forged.stdout + forged.stderr, /401/);
    const calls = await cli('calls', 'team-a/push', '--outcome', 'unverified', '-o', 'json');
    const [{ captured, time }] = JSON.parse(calls.stdout) as [
      { captured: { headers: [string, string][] }; time: string },
    ];
    assert.equal(new Date(time).toISOString(), time, 'times are printed as RFC 3339 says');
    assert.match(forged.stderr, /why: moonhook explain \S+/);
    const claimed = captured.headers.find(([name]) => name === 'x-github-delivery')?.[1] ?? '';
    assert.match((await cli('explain', claimed)).stdout, /ended unverified .*answered 401/);
  });

  await context.test(
    'a route with a parameter is invoked and sent to by its path, with the method it takes',
    async () => {
      const path = ['--trigger', 'item', '--path', '/team-a/items/7'];
      for (const given of [[], ['-X', 'GET']]) {
        const invoked = await cli('invoke', 'team-a/greet', ...path, ...given);
        assert.deepEqual([invoked.exitCode, invoked.stdout], [0, '{"item":"7"}'], given.join(' '));
      }
      const carried = await cli('invoke', 'team-a/greet', ...path, '-d', '{}');
      assert.equal(carried.exitCode, 2);
      assert.match(carried.stderr, /GET carries no body: leave -d out, or choose a method with -X/);
      const sent = await cli('send', 'team-a/greet', ...path);
      assert.deepEqual([sent.exitCode, sent.stdout], [0, '{"item":"7"}'], sent.stderr);
      assert.match((await cli('send', 'team-a/greet', ...path, '-X', 'post')).stderr, /^405 /);
      const open = await cli('send', 'team-a/greet', '--trigger', 'item');
      assert.equal(open.exitCode, 2);
      assert.match(open.stderr, /\/team-a\/items\/:id has the parameter :id: give the whole path with --path/);
    },
  );

  await context.test('calls, logs and explain tell what happened, with control characters escaped', async () => {
    const answer = await fetch(`${url}/team-a/greet?name=Ada`);
    const id = answer.headers.get('x-call-id') ?? '';
    const calls = await cli('calls', 'team-a/greet', '--outcome', 'ok', '--trigger', 'web');
    assert.match(calls.stdout, new RegExp(`${id} +team-a/greet +web +ok +200 .*GET /team-a/greet\\?name=Ada`));
    const logs = await cli('logs', 'team-a/greet');
    assert.match(logs.stdout, /info greeting .*name=Ada/);
    assert.ok(!logs.stdout.includes('\u001b'));
    assert.match(logs.stdout, /\\u001b\[31mred/);
    assert.match(logs.stdout, /error hooks\.yaml:16: attempt to index/);
    const last = await cli('logs', 'team-a/greet', '--limit', '1', '--outcome', 'ok');
    assert.match(last.stdout, /info greeting .*name=Ada/);
    const none = await cli('calls', 'team-a/absent');
    assert.deepEqual([none.exitCode, none.stdout], [5, '']);
    assert.match(none.stderr, /^moonhook: there is no function team-a\/absent\n/);
    assert.match((await cli('logs', 'gret')).stderr, /no function default\/gret; did you mean team-a\/greet\?\n/);
    assert.match(
      (await cli('logs', 'nothing')).stderr,
      /default\/nothing; the functions here are in namespace team-a: add -n\n/,
    );
    assert.match(
      (await cli('logs', '-f', 'team-a/gret')).stderr,
      /no function team-a\/gret; did you mean team-a\/greet\?\n/,
    );
    const quiet = await cli('calls', 'team-a/greet', '--outcome', 'timeout');
    assert.deepEqual([quiet.exitCode, quiet.stdout], [0, '']);
    assert.match(quiet.stderr, /^moonhook: no calls of this kind/);
    const wide = await cli('calls', 'whf/team-a/push', '-o', 'wide');
    assert.match(wide.stdout, /^TIME .* TOOK +EVENT +SENDER'S ID +ATTEMPT +WHAT$/m);
    assert.equal((await cli('calls', '-A', '-o', 'name', '--limit', '1')).stdout.split('\n').length, 2);
    const noSubscription = await cli('calls', 'whs/team-a/none');
    assert.equal(noSubscription.exitCode, 5);
    assert.match(noSubscription.stderr, /there is no subscription team-a\/none/);
    assert.equal((await cli('logs', '-o', 'wide')).exitCode, 2);
    const story = await cli('explain', id);
    assert.match(story.stdout, new RegExp(`call ${id} .*ok\n`));
    assert.match(story.stdout, /route \/team-a\/greet, receiver open/);
    assert.equal((await cli('explain', 'no-such-call')).exitCode, 5);
    assert.equal((await cli('calls', '--outcome', 'fine')).exitCode, 2);
  });

  await context.test('explain says what would happen to a request', async () => {
    const other = await cli('explain', 'team-a/greet', '/team-a/gret', '-X', 'GET');
    assert.match(other.stdout, /stop route: below \/team-a there is no "gret": did you mean "greet"\?/);
    const asLine = await cli('explain', 'team-a/greet', 'GET /team-a/gret');
    assert.equal(asLine.stdout, other.stdout, 'the method may stand before the path');
    const post = await cli('explain', 'team-a/greet', '/team-a/greet');
    assert.match(post.stdout, /takes GET, HEAD only: answers 405/);
    writeFileSync(
      join(base, 'capture.json'),
      JSON.stringify({ method: 'POST', url: '/team-a/push', headers: { 'X-GitHub-Event': 'push' }, body: '{}' }),
    );
    const unsigned = await cli('explain', 'team-a/push', join(base, 'capture.json'));
    assert.match(unsigned.stdout, /trigger push by route \/team-a\/push\n/);
    assert.match(unsigned.stdout, /refused \(SignatureMissing\)/);
    const open = await cli('explain', 'team-a/greet', 'GET /team-a/greet');
    assert.match(open.stdout, / {2}verified.*\n {2}protection against replay: None\./, 'what keeps old requests out');
  });

  await context.test('calls --running shows what has not ended, and nothing else', async () => {
    const none = await cli('calls', '--running');
    assert.deepEqual([none.exitCode, none.stdout], [0, '']);
    assert.match(none.stderr, /no call waits or takes its time now/);
    const slow = fetch(`${url}/team-a/slow`);
    for (;;) {
      const seen = await Promise.race([slow, cli('calls', 'team-a/greet', '--running')]);
      assert.ok('stdout' in seen, 'it ended before it was seen');
      const { stdout } = seen;
      if (stdout === '') continue;
      assert.match(stdout, /team-a\/greet +- +running +- +\S+ m?s +handler slow/);
      break;
    }
    assert.equal((await cli('calls', '--running', '-n', 'team-b', '-o', 'name')).stdout, '');
    assert.equal((await cli('calls', '--running', '-f')).exitCode, 2);
    assert.equal((await slow).status, 504);
  });

  await context.test('following prints calls as they come', async () => {
    const following = startCli(['calls', '-f', '-o', 'json', 'team-a/greet'], { cwd: folder });
    context.after(() => following.stop('SIGKILL'));
    // The stream begins with an empty line, which is not printed: calls are made until one is seen.
    const seen = new AbortController();
    const found = following.output(/"target":"\/team-a\/greet\?name=follow"/).then(() => {
      seen.abort();
    });
    while (!seen.signal.aborted) {
      await fetch(`${url}/team-a/greet?name=follow`);
      await Promise.race([found, new Promise(setImmediate)]);
    }
    assert.equal(await following.stop('SIGINT'), 0);
  });

  await context.test('a second process on the same data directory ends with a clear message', async () => {
    const second = await runCli(args, { cwd: base });
    assert.equal(second.exitCode, 1);
    assert.match(
      second.stderr,
      /another `moonhook dev` \(process \d+\) uses .*\.moonhook; stop it, or choose another directory/,
    );
  });

  await context.test('a port that is taken is named with the option that chooses another', async () => {
    const port = new URL(url).port;
    const second = await runCli(
      ['dev', 'hooks', '--port', port, '--call-port', '0', '--admin-port', '0', '--data-dir', 'other'],
      {
        cwd: base,
      },
    );
    assert.equal(second.exitCode, 1);
    assert.match(
      second.stderr,
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: another process listens there; .*--port`),
    );
  });

  await context.test('a data directory that others may read is not trusted', async () => {
    chmodSync(join(base, '.moonhook'), 0o755);
    const { exitCode, stderr } = await cli('list');
    chmodSync(join(base, '.moonhook'), 0o700);
    assert.equal(exitCode, 4);
    assert.match(stderr, /may be read by others .*chmod 700/);
  });

  await context.test('it stops on a signal, and the verbs say that nothing runs', async () => {
    assert.equal(await dev.stop('SIGTERM'), 0);
    const { exitCode, stderr } = await cli('list');
    assert.equal(exitCode, 4);
    assert.match(stderr, /no `moonhook dev` is running/);
  });
});

test('wrong options are all told, with exit code 2', async () => {
  const { exitCode, stderr } = await runCli(['dev', '--port', '80a', '--egress-allow', '*.x']);
  assert.equal(exitCode, 2);
  assert.match(stderr, /--port must be a whole number/);
  assert.match(stderr, /--egress-allow /);
});

test('a run counts what it serves, and names the files that it cannot use', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-cli-'));
  mkdirSync(join(base, 'hooks'));
  const write = (name: string, text: string): void => {
    writeFileSync(join(base, 'hooks', name), text);
  };
  write('broken.yaml', 'kind: [');
  const args = ['dev', 'hooks', '--port', '0', '--call-port', '0', '--admin-port', '0'];
  const alone = startCli(args, { cwd: base });
  context.after(async () => {
    await alone.stop('SIGKILL');
    rmSync(base, { recursive: true, force: true });
  });
  await alone.output(/serves hooks: 0 of 0 functions ready in [\d.]+ s, without what has errors in broken.yaml/);
  await alone.stop('SIGTERM');
  write('good.yaml', hooks);
  write('worse.yaml', 'kind: {');
  const both = startCli(args, { cwd: base });
  context.after(() => both.stop('SIGKILL'));
  await both.output(
    /serves hooks: \d of 2 functions ready in [\d.]+ s, without what has errors in broken.yaml and 1 more/,
  );
});
