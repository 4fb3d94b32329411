import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

const directory = mkdtempSync(join(tmpdir(), 'moonhook-verify-'));
after(() => rmSync(directory, { recursive: true }));

const secret = 'a secret of more than sixteen bytes';
const body = '{"zen":"\u001b[31mred"}';
const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
const headers = { 'X-Hub-Signature-256': signature, 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': 'd-1' };
const capture = file('capture.json', JSON.stringify({ method: 'POST', url: '/team-a/deploy', headers, body }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

/** Runs the verb in a process of its own, as a shell does. */
function run(...words: readonly string[]): {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
} {
  const program = `
    import { Command } from 'commander';
    import { registerVerify } from ${JSON.stringify(new URL('verify.ts', import.meta.url).href)};
    import { registerReceivers } from ${JSON.stringify(new URL('receivers.ts', import.meta.url).href)};
    const program = new Command('moonhook');
    registerVerify(program);
    registerReceivers(program);
    await program.parseAsync(process.argv.slice(1), { from: 'user' });`;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', program, '--', ...words], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  });
  return { code: result.status, out: result.stdout, error: result.stderr };
}

describe('moonhook verify', () => {
  test('exits 0 for a genuine request, 3 for one that does not verify, 2 for what it cannot use', () => {
    const good = run('verify', capture, '--as', 'github', '--secret', secret);
    assert.equal(good.code, 0, good.error);
    assert.match(good.out, /Verdict +verified by signature\n/);
    assert.match(good.out, /Event +push\n/);
    assert.match(good.out, /Delivery +d-1 \(not signed\)\n/);
    const bad = run('verify', capture, '--as', 'github', '--secret', 'another secret of such a length');
    assert.equal(bad.code, 3);
    assert.match(bad.out, /Reason +SignatureMismatch\n/);
    assert.ok(!bad.out.includes(secret));
    for (const [words, message] of [
      [['--as', 'github'], /needs a secret.*; give it with --secret or --secret-file/],
      [['--secret', secret], /--as NAME, or give it with --receiver/],
      [['--as', 'githbu', '--secret', secret], /did you mean "github"/],
      [['--as', 'github', '--secret', secret, '--at', 'noon'], /--at must be/],
      [['--as', 'github', '--secret', secret, '-o', 'yaml'], /json only/],
      [['--as', 'github', '--secret-file', join(directory, 'none')], /cannot read/],
    ] as const) {
      const result = run('verify', capture, ...words);
      assert.equal(result.code, 2, words.join(' '));
      assert.match(result.error, message);
    }
    assert.equal(run('verify', join(directory, 'none.json'), '--as', 'github', '--secret', secret).code, 2);
    assert.equal(run('verify', file('broken.json', '{'), '--as', 'github', '--secret', secret).code, 2);
  });

  test('takes several secrets, also from files without their final newline, and answers in JSON', () => {
    const secretFile = file('secret', `${secret}\n`);
    const result = run(
      'verify',
      capture,
      '--as',
      'github',
      '--secret',
      'some old one',
      '--secret-file',
      secretFile,
      '-o',
      'json',
    );
    assert.equal(result.code, 0, result.error);
    const verdict = JSON.parse(result.out) as { verdict: string; event: string; deliveryId: string };
    assert.deepEqual([verdict.verdict, verdict.event, verdict.deliveryId], ['verified', 'push', 'd-1']);
    const unusable = run('verify', capture, '--as', 'nobody', '-o', 'json');
    assert.equal((JSON.parse(unusable.out) as { verdict: string }).verdict, 'unusable');
  });

  test('takes the receiver from a file of its own, or from a trigger of a function', () => {
    const receiver = file('receiver.yaml', 'github: { events: [issues] }\n');
    const result = run('verify', capture, '--receiver', receiver, '--secret', secret);
    assert.equal(result.code, 0, result.error);
    assert.match(result.out, /Decision +filtered/);
    const whole = file(
      'function.yaml',
      `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: x }
spec:
  code: return function() end
  triggers:
    - { name: push, http: { path: a, receiver: { github: {} } } }
    - { name: other, http: { path: b, receiver: { bearer: {} } } }
`,
    );
    assert.match(run('verify', capture, '--receiver', whole, '--secret', secret).error, /--trigger: push, other/);
    assert.equal(run('verify', capture, '--receiver', whole, '--trigger', 'push', '--secret', secret).code, 0);
    assert.equal(run('verify', capture, '--receiver', whole, '--trigger', 'other', '--secret', secret).code, 3);
    assert.match(
      run('verify', capture, '--receiver', file('bad.yaml', 'a: [1'), '--secret', secret).error,
      /bad\.yaml:1/,
    );
  });

  test('shows control characters of the request instead of sending them to the terminal', () => {
    const text = JSON.stringify({ url: '/x', headers: { ...headers, 'X-GitHub-Event': '\u001b]0;x' }, body });
    const result = run('verify', file('control.json', text), '--as', 'github', '--secret', secret);
    assert.equal(result.code, 0, result.error);
    assert.ok(!result.out.includes('\u001b'));
  });
});

describe('moonhook receivers', () => {
  test('lists every sender with what it needs, and one with its fields', () => {
    const all = run('receivers');
    assert.equal(all.code, 0);
    assert.match(all.out, /^github +GitHub +a secret +async/m);
    assert.match(all.out, /^hmac .* a secret, signature/m);
    assert.match(run('receivers', 'hmac').out, /field +signature \(required\)/);
    const json = JSON.parse(run('receivers', '-o', 'json').out) as readonly { name: string; scheme: string }[];
    assert.ok(json.some(({ name, scheme }) => name === 'github' && scheme.includes('SHA256')));
    const unknown = run('receivers', 'gihtub');
    assert.equal(unknown.code, 2);
    assert.match(unknown.error, /did you mean "github"/);
  });
});
