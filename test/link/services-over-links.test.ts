/** Addresses of tenants' own Services on their way to runtimes: from any replica that is certain of them, and from nowhere else. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { leaseServices } from '../../src/controller/link/lease-services.ts';
import type { LinkServerOptions } from '../../src/controller/link/link-server.ts';
import type { LeasedServices, ServicesAnswer } from '../../src/link/service-lease.ts';
import { defaultPolicy } from '../../src/policy/installation-policy.ts';
import { emptyTable } from '../../src/routing/diff-tables.ts';
import { createTableFile } from '../../src/runtime/link/table-file.ts';
import { realClock, startController, startRuntime, TestTokens, until, type TestPod } from './cluster.ts';

const none = defaultPolicy('https://hooks.example.com');
const policy = { ...none, egress: { ...none.egress, clusterServices: 'Own' as const } };
const pod: TestPod = { name: 'moonhook-runtime-0', uid: 'uid-of-runtime-0' };

test('any replica leases the addresses; they are in no policy on the way and in no file', async () => {
  const tokens = new TestTokens();
  const services: (LeasedServices | undefined)[] = [
    { services: { 'team-a': ['10.0.0.1'] }, digest: 'one' },
    { services: { 'team-a': ['10.0.0.1'] }, digest: 'one' },
  ];
  let forMs = 10_000;
  const serverOf = (index: number): Partial<LinkServerOptions> => ({
    // As a controller of before sent them.
    policy: () => ({ ...policy, egress: { ...policy.egress, services: { 'team-b': ['10.0.0.2'] } } }),
    answer: async (topic, body) => {
      if (topic !== 'services') return { ok: false, code: 'Unsupported', message: topic };
      const answer = leaseServices(() => services[index], body);
      return answer.ok ? { ok: true, body: { ...(answer.body as ServicesAnswer), forMs } } : answer;
    },
  });
  const leader = await startController(tokens, { name: 'controller-a', epoch: 1, server: serverOf(0) });
  const other = await startController(tokens, { name: 'controller-b', epoch: 0, server: serverOf(1) });
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-services-'));
  const path = join(folder, 'table');
  const file = createTableFile({
    path,
    table: () => emptyTable,
    after: realClock.after,
    onTrouble: (message) => assert.fail(message),
  });
  const runtime = await startRuntime(pod, tokens, [leader, other], { file });
  after(async () => {
    await runtime.client.close();
    await Promise.all([leader.server.close(), other.server.close()]);
    await rm(folder, { recursive: true });
  });
  const open = (): unknown => runtime.server.policy?.egress.services;

  await until('the addresses are open', () => open() !== undefined);
  assert.deepEqual(open(), { 'team-a': ['10.0.0.1'] });
  await until('it is ready', () => runtime.client.notReady() === undefined);

  // No table comes from the other replica, which does not lead; addresses do.
  await leader.server.close();
  services[1] = { services: { 'team-a': ['10.0.0.3'] }, digest: 'two' };
  await until('the other replica is asked', () => JSON.stringify(open()).includes('10.0.0.3'));

  // One that is not certain says so, and what was leased ends.
  forMs = 300;
  services[1] = { services: { 'team-a': ['10.0.0.4'] }, digest: 'three' };
  await until('the lease is short', () => JSON.stringify(open() ?? '').includes('10.0.0.4'));
  services[1] = undefined;
  await until('nothing is open any more', () => open() === undefined);

  await file.flush();
  const written = await readFile(path, 'utf8');
  assert.match(written, /"clusterServices":"Own"/, 'control: the policy is in the file');
  assert.doesNotMatch(written, /10\.0\.0\./);
});
