/** See and act from the command line: deliveries, replay, cancel, suspend, resume, kv, against a running `moonhook dev`. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { runCli, startCli, type CliResult } from '../builders/run-cli.ts';

const hooks = `# Jobs of team a.
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: job, namespace: team-a }
spec:
  # The code.
  code: |
    return function(event)
      if event.data and event.data.later then error(retry_after(3600)) end
      local state = kv.get("state")
      if not state then error(fail "no state yet: set it with moonhook kv set team-a/job state, then replay whatever died") end
      assert(kv.cas("state", state, { n = state.n + 1, name = state.name }))
    end
  triggers:
    - name: job
      http: { path: job, mode: async, receiver: { open: {} } }
---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: job, namespace: team-b }
spec:
  code: return function() return kv.get("state") end
  triggers:
    - { name: web, http: { path: web, receiver: { open: {} } } }
`;

test('see what happened and act', async (context) => {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-act-'));
  const folder = join(base, 'hooks');
  mkdirSync(folder);
  const file = join(folder, 'jobs.yaml');
  writeFileSync(file, hooks);
  const dev = startCli(['dev', 'hooks', '--port', '0', '--call-port', '0', '--admin-port', '0'], { cwd: base });
  context.after(async () => {
    await dev.stop('SIGKILL');
    rmSync(base, { recursive: true, force: true });
  });
  await dev.output(/serves hooks: 2 of 2 functions ready/);
  const url = (await dev.output(/http:\/\/127\.0\.0\.1:\d+(?=\/team-a\/job)/)).trim();
  const cli = (...parts: readonly string[]): Promise<CliResult> => runCli(parts, { cwd: folder });
  const post = async (data: unknown): Promise<string> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}/team-a/job`, { method: 'POST', headers, body: JSON.stringify(data) });
    assert.equal(answer.status, 202);
    return answer.headers.get('x-call-id') ?? '';
  };
  const json = async (...parts: readonly string[]): Promise<Record<string, unknown>> => {
    const { stdout, stderr } = await cli(...parts, '-o', 'json');
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  /** Until the list has an item of this kind. */
  const listed = async (...parts: readonly string[]): Promise<string> => {
    const stdout = await eventually('a delivery', async () => {
      const listing = await cli('deliveries', ...parts, '-o', 'name');
      return listing.stdout !== '' && listing.stdout;
    });
    return stdout.trim().replace('delivery/', '');
  };
  let id = '';
  let name = '';

  await context.test('deliveries lists, describes and explains what died', async () => {
    id = await post({});
    name = await listed('--dead');
    const { stdout } = await cli('deliveries', '-A');
    assert.match(stdout, /^DELIVERY +TO +STATE +ATTEMPTS +AGE +NEXT +TYPE +WHY\n/);
    assert.match(
      stdout,
      new RegExp(`^${name} +team-a/job job +dead +1 +\\d+s +- +\\S+ +.*no state yet: .* replay whatever died$`, 'm'),
    );
    const wide = await cli('deliveries', 'whf/job', '-n', 'team-a', '-o', 'wide');
    assert.match(wide.stdout, new RegExp(` ${id} +0 +\\d{4}-`));
    const yaml = await cli('deliveries', 'team-a/job', '--state', 'dead,done', '-o', 'yaml');
    assert.match(yaml.stdout, /^kind: DeliveryList$/m);
    assert.equal((await cli('deliveries', 'team-b/job', '-o', 'name')).stdout, '');
    const described = await cli('describe', name);
    assert.match(described.stdout, new RegExp(`delivery ${name} to team-a/job trigger job: dead`));
    assert.match(described.stdout, /attempt 1[\s\S]*ended dead/);
    const story = await cli('explain', id);
    const subject = await cli('explain', 'whs/team-a/job');
    assert.match(subject.stderr, /how it stands: moonhook describe whs\/team-a\/job, what it did: moonhook calls whs/);
    const nameless = await cli('explain', 'GET', '/shop/orders');
    assert.equal(nameless.exitCode, 2);
    assert.match(nameless.stderr, /name the function .* explain NAMESPACE\/NAME "GET \/shop\/orders"/);
    assert.match(story.stdout, /ended accepted[\s\S]*ended dead[\s\S]*run it again: moonhook replay dlv-/);
    const missing = await cli('describe', 'dlv-9999');
    assert.equal(missing.exitCode, 5);
    assert.match(missing.stderr, /no delivery of "dlv-9999" is kept/);
    const wrong = await cli('deliveries', '--state', 'lost');
    assert.equal(wrong.exitCode, 2);
    assert.match(wrong.stderr, /no state "lost"; known are waiting, held/);
    assert.equal((await cli('deliveries', '-A', '-n', 'team-a')).exitCode, 2);
    assert.equal((await cli('deliveries', '--since', 'soon')).exitCode, 2);
    assert.equal((await cli('deliveries', '-o', 'xml')).exitCode, 2);
  });

  await context.test('a name that nobody has is said, with what is called nearly so', async () => {
    const asked = [
      ['team-a/jobb', /there is no function team-a\/jobb; did you mean team-a\/job\?/],
      ['whs/team-a/job', /there is no subscription team-a\/job; there is whf\/team-a\/job/],
      ['whs/team-a/jub', /there is no subscription team-a\/jub; did you mean whf\/team-a\/job\?/],
      ['team-a/nothing-like-it', /^moonhook: there is no function team-a\/nothing-like-it\n$/],
    ] as const;
    for (const [subject, message] of asked) {
      const { exitCode, stderr } = await cli('deliveries', subject, '--dead');
      assert.deepEqual([exitCode, message.test(stderr)], [5, true], stderr);
    }
    const elsewhere = /there is no function default\/job.*; there is team-a\/job, team-b\/job\n$/s;
    const verbs = [
      ['replay', 'whf/job', '--dead'],
      ['cancel', 'whf/job'],
      ['kv', 'list', 'job'],
      ['invoke', 'job'],
    ];
    for (const verb of verbs) {
      const { exitCode, stderr } = await cli(...verb);
      assert.deepEqual([exitCode, elsewhere.test(stderr)], [5, true], stderr);
    }
    const explained = await cli('explain', 'team-a/job');
    assert.match(
      explained.stderr,
      /moonhook explain team-a\/job \/…, and how it stands: moonhook describe team-a\/job\n$/,
    );
    const trigger = await cli('replay', 'whf/team-a/job', '--trigger', 'jub', '--dead');
    assert.match(trigger.stderr, /^moonhook: there is no function team-a\/job with a trigger jub\n$/);
    const control = await cli('deliveries', 'team-b/job');
    assert.deepEqual([control.exitCode, /no deliveries of this kind are kept/.test(control.stderr)], [0, true]);
  });

  await context.test('describe --body shows what the sender sent, on a terminal and to machines', async () => {
    const eventId = await post({ note: 'esc \u001b[2J', wide: 'é' });
    const letter = await listed('--dead', '--id', eventId);
    const sent = JSON.stringify({ note: 'esc \u001b[2J', wide: 'é' });
    const shown = await cli('describe', letter, '--body');
    const head = `\n\nbody, ${Buffer.byteLength(sent)} bytes of application/json:\n`;
    assert.ok(shown.stdout.endsWith(`${head}${sent}\n`), shown.stdout);
    const { event } = (await json('describe', letter, '--body')) as { event: Record<string, unknown> };
    assert.equal(Buffer.from(String(event['bodyBase64']), 'base64').toString(), sent);
    assert.equal(event['bodyCut'], false);
    const unasked = (await json('describe', letter)) as { event: Record<string, unknown> };
    assert.deepEqual([unasked.event['bodyBase64'], unasked.event['bodyBytes']], [undefined, Buffer.byteLength(sent)]);
    const wrong = await cli('describe', 'team-a/job', '--body');
    assert.deepEqual([wrong.exitCode, /--body goes with a delivery/.test(wrong.stderr)], [2, true]);
    assert.equal((await cli('cancel', letter, '--dead', '--yes')).exitCode, 0);
  });

  await context.test('kv reads and writes the very values that functions see, one namespace at a time', async () => {
    const set = await cli('kv', 'set', 'team-a/job', 'state', '{ "name": "Zoë", "n": 1 }', '--ttl', '1h');
    assert.deepEqual([set.exitCode, set.stderr], [0, '']);
    assert.match(set.stdout, /^version \d+\n$/);
    const got = await cli('kv', 'get', 'team-a/job', 'state');
    assert.deepEqual(JSON.parse(got.stdout), { n: 1, name: 'Zoë' });
    const { version } = (await json('kv', 'get', 'team-a/job', 'state')) as { version: number };
    const { expires } = (await json('kv', 'get', 'team-a/job', 'state')) as { expires: string };
    const left = Date.parse(expires) - Date.now();
    assert.ok(left > 1_800_000 && left <= 3_660_000, expires);
    const elsewhere = await cli('kv', 'get', 'team-b/job', 'state');
    assert.equal(elsewhere.exitCode, 5);
    assert.match(elsewhere.stderr, /team-b\/job has no key "state"/);
    const stale = await cli('kv', 'set', 'team-a/job', 'state', '2', '--if-version', String(version + 1));
    assert.equal(stale.exitCode, 1);
    assert.match(stale.stderr, new RegExp(`has version ${version}, not ${version + 1}: read it again`));
    const early = await cli('kv', 'set', 'team-a/jbo', 'state', '1');
    assert.deepEqual([early.exitCode, early.stderr], [0, 'moonhook: there is no function team-a/jbo now\n']);
    assert.equal((await cli('kv', 'set', 'shared:flags', 'on', 'true', '-n', 'team-a')).exitCode, 0);
    assert.equal((await cli('kv', 'set', 'shared:flags', 'note', 'as it is', '--text', '-n', 'team-a')).exitCode, 0);
    assert.equal((await cli('kv', 'list', 'shared:flags', '-n', 'team-a')).stdout, 'KEY\nnote\non\n');
    assert.match(
      (await cli('kv', 'list', 'shared:flags', '-n', 'team-a', '-o', 'wide')).stdout,
      /^note .*"as it is"$/m,
    );
    assert.equal((await cli('kv', 'list', 'shared:flags', '-n', 'team-b', '-o', 'name')).stdout, '');
    const plain = await cli('kv', 'set', 'team-a/job', 'x', 'not json');
    assert.equal(plain.exitCode, 2);
    assert.match(plain.stderr, /not JSON: put text into quotes/);
    assert.equal((await cli('kv', 'set', 'team-a/job', 'x', 'null')).exitCode, 2);
    assert.equal((await cli('kv', 'list', 'team-a/none')).exitCode, 5);
    assert.equal((await cli('kv', 'get', 'team-a/job', 'y'.repeat(513))).exitCode, 2);
    assert.equal((await cli('kv', 'delete', 'shared:flags', 'on', '-n', 'team-a')).exitCode, 0);
    assert.equal((await cli('kv', 'delete', 'shared:flags', 'on', '-n', 'team-a')).exitCode, 5);
  });

  await context.test('replay says first what it would do, then runs it once', async () => {
    const dry = await cli('replay', 'whf/job', '-n', 'team-a', '--dead', '--dry-run');
    assert.deepEqual([dry.exitCode, dry.stdout], [0, '1 delivery would run again:\n  1 to team-a/job job\n']);
    const vague = await cli('replay', 'whf/team-a/job');
    assert.equal(vague.exitCode, 2);
    assert.match(vague.stderr, /say which of team-a\/job: --dead, --since WHEN or --all/);
    const whole = await cli('replay', '-n', 'team-a', '--dead');
    assert.equal(whole.exitCode, 2);
    assert.match(whole.stderr, /that is 1 delivery of all of namespace team-a: say --yes/);
    const run = await cli('replay', 'whf/team-a/job', '--dead', '--generation', '500');
    assert.equal(run.exitCode, 0, run.stderr);
    assert.match(
      run.stdout,
      /^1 delivery runs again as replay 500\n {2}1 to team-a\/job job\nstop it: moonhook cancel/,
    );
    await listed('--state', 'done');
    const state = await json('kv', 'get', 'team-a/job', 'state');
    assert.deepEqual(state['value'], { n: 2, name: 'Zoë' }, 'the function compared and set what kv had set');
    const again = await cli('replay', 'whf/team-a/job', '--dead', '--generation', '500');
    assert.match(again.stdout, /^1 delivery runs again as replay 500\n/, 'the same replay, as it was');
    const name = await cli('replay', 'team-a/job', '--dead');
    assert.equal(name.exitCode, 5);
    assert.match(name.stderr, /no delivery of "team-a\/job" is kept; a function is whf\/team-a\/job/);
  });

  await context.test('an id is replayed where it has ended, and the answer says why not', async () => {
    const done = await cli('replay', id);
    assert.equal(done.exitCode, 1);
    assert.match(done.stderr, /nothing of \S+ is to run again \(1 dead, 1 done; --all runs those again, too\)/);
    const discarded = await cli('cancel', id, '--dead');
    assert.deepEqual([discarded.exitCode, discarded.stdout], [0, '1 delivery discarded\n  1 to team-a/job job\n']);
    assert.equal((await json('deliveries', '-n', 'team-a', '--dead'))['items']?.toString(), '');
    assert.match((await cli('cancel', id, '--dead')).stderr, /nothing of \S+ is dead \(1 cancelled, 1 done\)/);
    const all = await json('replay', id, '--all');
    assert.deepEqual([(all['replay'] as { created: number }).created, all['dryRun']], [1, false]);
    assert.equal((await cli('replay', 'unknown-id')).exitCode, 5);
    assert.equal((await cli('replay', 'unknown-id', '-n', 'team-b')).exitCode, 5);
    const border = await cli('replay', id, '-n', 'team-b', '--all');
    assert.equal(border.exitCode, 5, 'another namespace does not know it');
    const astray = await cli('replay', id, '--all', '--to', 'whf/team-b/job');
    assert.deepEqual([astray.exitCode, /events stay in their own namespace, team-a/.test(astray.stderr)], [2, true]);
    for (const to of ['whf/job', 'whf/team-a/job']) {
      const moved = await json(
        'replay',
        'whf/team-a/job',
        '--dead',
        '--to',
        to,
        '--to-trigger',
        'job',
        '--yes',
        '--dry-run',
      );
      assert.equal(moved['dryRun'], true, to);
    }
  });

  await context.test('cancel ends what waits and counts it', async () => {
    const waiting = await post({ later: true });
    const dry = await cli('cancel', 'whf/team-a/job', '--dry-run');
    assert.deepEqual([dry.exitCode, dry.stdout], [0, '1 delivery would be cancelled\n  1 to team-a/job job\n']);
    const early = await cli('replay', waiting);
    assert.equal(early.exitCode, 1);
    assert.match(early.stderr, /is to run again \(1 waiting; to run what waits now, cancel it first, then replay it\)/);
    const border = await cli('cancel', waiting, '-n', 'team-b');
    assert.equal(border.exitCode, 5);
    const cancelled = await cli('cancel', waiting);
    assert.deepEqual([cancelled.exitCode, cancelled.stdout], [0, '1 delivery cancelled\n  1 to team-a/job job\n']);
    const again = await cli('cancel', waiting);
    assert.equal(again.exitCode, 1);
    assert.match(again.stderr, /nothing of \S+ waits \(1 cancelled\)/);
    assert.equal((await cli('cancel')).exitCode, 2);
    assert.equal((await cli('cancel', 'replay/500')).exitCode, 2);
    const replay = await cli('cancel', 'replay/500', '-n', 'team-a');
    assert.deepEqual([replay.exitCode, replay.stdout], [0, 'replay 500 is stopped: 0 deliveries cancelled\n']);
    assert.equal((await cli('cancel', 'replay/500', '-n', 'team-b')).exitCode, 5);
    const whole = await cli('cancel', '--all', '-n', 'team-a');
    assert.deepEqual([whole.exitCode, whole.stderr], [0, 'moonhook: nothing of all of namespace team-a waits\n']);
  });

  await context.test('suspend and resume write one field, and what came meanwhile waits', async () => {
    const suspended = await cli('suspend', 'team-a/job');
    assert.deepEqual([suspended.exitCode, suspended.stdout], [0, 'team-a/job suspended (jobs.yaml:2)\n']);
    assert.equal(readFileSync(file, 'utf8'), hooks.replace('spec:\n', 'spec:\n  suspend: true\n'));
    const id = await post({});
    assert.match((await cli('explain', id)).stdout, /: waiting\n[\s\S]*waits: the function is suspended/);
    assert.match((await cli('suspend', 'team-a/job')).stdout, /was suspended already/);
    const resumed = await cli('resume', 'team-a/job');
    assert.equal(resumed.stdout, 'team-a/job resumed (jobs.yaml:2)\n', resumed.stderr);
    assert.equal(readFileSync(file, 'utf8'), hooks.replace('spec:\n', 'spec:\n  suspend: false\n'));
    await listed('--id', id, '--state', 'done');
    assert.equal((await cli('suspend', 'team-a/none')).exitCode, 5);
    assert.equal((await cli('suspend', 'whs/team-a/job')).exitCode, 5);
  });
});
