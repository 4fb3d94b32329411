/** A subscription whose receiver wanted no more, from the command line: what is said about it, and the way back. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli, startCli, type CliResult } from '../builders/run-cli.ts';

test('a ping switches a subscription on again, and a replay sends what died; resume says that it is no way', async (t) => {
  const receiver = { status: 410 };
  const server = createServer((_request, response) => void response.writeHead(receiver.status).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const base = mkdtempSync(join(tmpdir(), 'moonhook-off-'));
  const file = join(base, 'hooks', 'shop.yaml');
  mkdirSync(join(base, 'hooks'));
  const text = `apiVersion: moonhook.dev/v1alpha1
kind: WebhookSubscription
metadata: { name: partner, namespace: shop }
spec:
  events: ["com.shop.*"]
  url: http://${place}/hook
  secretRefs: [{ name: partner, key: s1 }]
---
apiVersion: v1
kind: Secret
metadata: { name: partner, namespace: shop, labels: { moonhook.dev/functions: "true" } }
stringData: { s1: "0123456789abcdef0123" }
`;
  writeFileSync(file, text);
  const ports = ['--port', '0', '--call-port', '0', '--admin-port', '0', '--egress-allow', place];
  const dev = startCli(['dev', 'hooks', ...ports], { cwd: base });
  t.after(async () => {
    await dev.stop('SIGKILL');
    server.close();
    rmSync(base, { recursive: true, force: true });
  });
  await dev.output(/serves hooks: /);
  const cli = (...parts: readonly string[]): Promise<CliResult> => runCli(parts, { cwd: join(base, 'hooks') });
  /** What a command prints once it is so. */
  const said = async (pattern: RegExp, ...parts: readonly string[]): Promise<string> => {
    for (let tries = 0; tries < 100; tries += 1) {
      const { stdout } = await cli(...parts);
      if (pattern.test(stdout)) return stdout;
    }
    return assert.fail(`${parts.join(' ')} does not come to say ${pattern.source}`);
  };
  await cli('publish', 'com.shop.paid', '-n', 'shop', '--id', 'p1');
  const off = await said(/Receiver +SwitchedOff/, 'describe', 'whs/shop/partner');
  assert.match(off, /moonhook ping whs\/shop\/partner switches it on/);
  await said(/^dlv-\d+ .*dead .*Gone: answered 410$/m, 'deliveries', '--dead', '-n', 'shop');

  const resumed = await cli('resume', 'whs/shop/partner');
  assert.equal(resumed.exitCode, 0);
  assert.match(resumed.stdout, /was not suspended already/);
  assert.match(resumed.stderr, /switched off because of its receiver; .*moonhook ping/);
  assert.equal(readFileSync(file, 'utf8'), text, 'nothing was there to be written');

  receiver.status = 200;
  assert.equal((await cli('ping', 'whs/shop/partner')).exitCode, 0);
  assert.match(await said(/Receiver +Healthy/, 'describe', 'whs/shop/partner'), /Receiver +Healthy/);
  const replayed = await cli('replay', 'whs/shop/partner', '--dead', '-y');
  assert.match(replayed.stdout, /^1 delivery runs again/);
  await said(/^dlv-\d+ .*whs\/shop\/partner +done /m, 'deliveries', 'whs/shop/partner');

  // What stands still is told, and by the exit code as well.
  const whole = await cli('status');
  assert.equal(whole.exitCode, 0, whole.stdout);
  writeFileSync(join(base, 'hooks', 'broken.yaml'), 'apiVersion: moonhook.dev/v1alpha1\nkind: WebhookFunctions\n');
  await said(/^broken\.yaml:2:1: error: unknown kind "WebhookFunctions"/m, 'status');
  assert.equal((await cli('status')).exitCode, 1);
  rmSync(join(base, 'hooks', 'broken.yaml'));
  writeFileSync(file, text.replace('127.0.0.1', '127.0.0.2'));
  await said(/^shop +whs\/partner +PolicyDenied +spec\.url: 127\.0\.0\.2 is not globally reachable/m, 'status');
  assert.equal((await cli('status')).exitCode, 1);
});
