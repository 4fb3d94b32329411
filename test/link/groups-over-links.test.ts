import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createGroupServices } from '../../src/controller/link/lease-services.ts';
import { defaultPolicy, type InstallationPolicy } from '../../src/policy/installation-policy.ts';
import type { RuntimeGroups } from '../../src/policy/runtime-groups.ts';
import { functionEntry, httpTriggerEntry, routeTable, scheduleTriggerEntry } from '../builders/function-entry.ts';
import { accounts, TestTable, TestTokens, until, type TestController } from './cluster.ts';
import { openForFile } from './opened.ts';
import { hello, openRaw, type RawLink } from './raw-link.ts';

const { closing, controller: openController } = openForFile();

const groups = new Map([
  ['moonhook-runtime', 'default'],
  ['moonhook-runtime-payments', 'payments'],
]);
const follow = { kind: 'follow', on: true, holds: [], more: false };
const pod = { name: 'r-1', uid: 'uid-of-r-1' };
const paying = { name: 'p-1', uid: 'uid-of-p-1' };
const payingUser = 'system:serviceaccount:moonhook:moonhook-runtime-payments';

const placed: RuntimeGroups = { names: ['payments'], placed: { bank: 'payments' }, leaving: {} };
const policy: InstallationPolicy = {
  ...defaultPolicy('https://hooks.example.com'),
  hosts: [{ host: 'a.example.com', publicUrl: 'https://a.example.com', namespaces: ['bank', 'shop'], mount: '/' }],
  egress: {
    grants: [],
    deny: [],
    clusterServices: 'Own',
    namespaces: { bank: { grants: ['10.1.1.1'] }, shop: { grants: ['10.2.2.2'] } },
    services: { bank: ['10.3.3.3'], shop: ['10.4.4.4'] },
  },
  quotas: { namespaces: { bank: { functions: 7 }, shop: { functions: 8 } } },
  runtimeGroups: placed,
};

const entryOf = (namespace: string, group: string, more: Parameters<typeof functionEntry>[0] = {}) =>
  functionEntry({
    namespace,
    namespaceUid: `uid-${namespace}`,
    name: 'hook',
    uid: `${namespace}-hook`,
    group,
    revision: `${namespace}-1`,
    env: { KEY: `secret-of-${namespace}` },
    secretEnv: ['KEY'],
    ...more,
  });

async function start(table: TestTable): Promise<{ controller: TestController; tokens: TestTokens }> {
  const tokens = new TestTokens();
  const controller = await openController(tokens, {
    table,
    server: { accounts: { ...accounts, groups }, policy: () => policy },
  });
  return { controller, tokens };
}

async function raw(port: number, token: string): Promise<RawLink> {
  const made = await openRaw(port, token);
  closing.push(() => made.socket.terminate());
  return made;
}

/** Both groups with a link that follows; `text`: everything that came over it. */
async function linked(table: TestTable) {
  const { controller, tokens } = await start(table);
  const { port } = controller.server;
  const common = await raw(port, tokens.make(pod));
  const payments = await raw(port, tokens.make(paying, { user: payingUser }));
  common.send(hello(pod));
  payments.send(hello(paying, { group: 'payments' }));
  for (const link of [common, payments]) link.send(follow);
  for (const link of [common, payments]) await until('the whole table', () => wholes(link) > 0);
  return { controller, tokens, common, payments };
}

interface Change {
  readonly op: string;
  readonly uid?: string;
  readonly moved?: boolean;
  readonly entry?: { readonly uid: string; readonly draining?: boolean; readonly triggers?: readonly Trigger[] };
}
interface Trigger {
  readonly kind: string;
  readonly routes?: readonly unknown[];
}

const textOf = (link: RawLink): string => JSON.stringify(link.received);
const wholes = ({ received }: RawLink): number => received.filter(({ whole }) => whole === true).length;
const changesOf = ({ received }: RawLink): readonly Change[] =>
  received.flatMap(({ kind, changes }) => (kind === 'table' ? (changes as readonly Change[]) : []));

suite('runtime groups over links', () => {
  test('a runtime is sent what is of its group and nothing of another: no entry, secret, policy or name', async () => {
    const table = new TestTable(routeTable([entryOf('bank', 'payments'), entryOf('shop', 'default')]));
    const { common, payments } = await linked(table);
    const [ofCommon, ofPayments] = [textOf(common), textOf(payments)];
    // Each is the control of the other.
    for (const mine of ['secret-of-shop', '10.2.2.2', '10.4.4.4']) {
      assert.ok(ofCommon.includes(mine), mine);
      assert.ok(!ofPayments.includes(mine), mine);
    }
    for (const theirs of ['secret-of-bank', '10.1.1.1', '10.3.3.3']) {
      assert.ok(ofPayments.includes(theirs), theirs);
      assert.ok(!ofCommon.includes(theirs), theirs);
    }
    assert.ok(!ofCommon.includes('bank'), 'not even its name');
    assert.ok(!ofPayments.includes('shop'), 'not even its name');
    assert.ok(!(ofCommon + ofPayments).includes('runtimeGroups'));
  });

  test('a runtime that was taken over gets nothing by claiming another group, and its words of others do not count', async () => {
    const table = new TestTable(
      routeTable([
        entryOf('bank', 'payments', { triggers: [scheduleTriggerEntry({ name: 'nightly' })] }),
        entryOf('shop', 'default', { triggers: [scheduleTriggerEntry({ name: 'nightly' })] }),
      ]),
    );
    const { controller, tokens, common } = await linked(table);
    const { server } = controller;
    const liar = await raw(server.port, tokens.make({ name: 'r-2', uid: 'uid-of-r-2' }));
    liar.send(hello({ name: 'r-2', uid: 'uid-of-r-2' }, { group: 'payments' }));
    liar.send(follow);
    assert.match(await liar.closed(), /^4002 /);
    assert.ok(!textOf(liar).includes('secret-of'));
    const stranger = await raw(server.port, tokens.make(paying, { user: `${payingUser}-2` }));
    assert.match(stranger.outcome, /^401 /);

    const judged = (uid: string, revision: string) => ({ uid, revision, accepted: true });
    const nightly = (uid: string) => ({ uid, trigger: 'nightly', next: 4_000_000_000_000 });
    common.send({ kind: 'judged', acknowledgements: [judged('bank-hook', 'bank-1'), judged('shop-hook', 'shop-1')] });
    common.send({ kind: 'report', schedules: [nightly('bank-hook'), nightly('shop-hook')], health: [] });
    await until('the report is heard', () => server.scheduleTimes('shop-hook') !== undefined);
    const said = server.runtimes().find(({ podUid }) => podUid === pod.uid)?.acknowledgements;
    assert.deepEqual([...(said?.keys() ?? [])], ['shop-hook']);
    assert.equal(server.scheduleTimes('bank-hook'), undefined);
  });

  test('what moves is told as moved, keeps running in the old group where the installation says so, and counts no more', async () => {
    const triggers = [httpTriggerEntry({ name: 'web' }), scheduleTriggerEntry({ name: 'nightly' })];
    const table = new TestTable(routeTable([entryOf('bank', 'default', { triggers })]));
    const { controller, common, payments } = await linked(table);
    assert.deepEqual(changesOf(payments), []);
    common.send({
      kind: 'judged',
      acknowledgements: [{ uid: 'bank-hook', revision: 'bank-1', accepted: true }],
    });
    const said = (uid: string) =>
      controller.server
        .runtimes()
        .flatMap(({ podUid, acknowledgements }) => (acknowledgements.has(uid) ? [podUid] : []));
    await until('it is acknowledged', () => said('bank-hook').includes(pod.uid));

    const moving = entryOf('bank', 'payments', { triggers, revision: 'bank-2', leaving: ['default'] });
    table.change([{ op: 'set', entry: moving }]);
    await until('both have it', () => wholes(common) > 1 && wholes(payments) > 1);
    const drained = changesOf(common).at(-1)?.entry;
    assert.equal(drained?.draining, true);
    assert.deepEqual(
      drained?.triggers?.map(({ kind, routes }) => [kind, routes?.length]),
      [
        ['http', 0],
        ['schedule', undefined],
      ],
    );
    assert.equal(changesOf(payments).at(-1)?.entry?.draining, undefined);
    assert.ok(!textOf(payments).includes('leaving'));
    assert.deepEqual(said('bank-hook'), [], 'those of before count no more');

    table.change([{ op: 'set', entry: entryOf('bank', 'payments', { triggers, revision: 'bank-2' }) }]);
    await until('the old group is done with it', () => wholes(common) > 2);
    assert.deepEqual(changesOf(common).at(-1), { op: 'delete', uid: 'bank-hook', moved: true });
    table.change([{ op: 'delete', uid: 'bank-hook' }]);
    await until('it is deleted', () => changesOf(payments).at(-1)?.op === 'delete');
    assert.equal(changesOf(payments).at(-1)?.moved, undefined, 'deleted, not moved');
  });

  test('addresses of Services are leased to the group of their namespace', () => {
    const servicesOf = createGroupServices();
    const held = { services: { bank: ['10.0.0.1'], shop: ['10.0.0.2'] }, digest: 'all' };
    const ofPayments = servicesOf(held, policy, 'payments');
    assert.deepEqual(ofPayments?.services, { bank: ['10.0.0.1'] });
    assert.deepEqual(servicesOf(held, policy, 'default')?.services, { shop: ['10.0.0.2'] });
    assert.notEqual(ofPayments?.digest, servicesOf(held, policy, 'default')?.digest);
    assert.equal(servicesOf(held, policy, 'payments'), ofPayments, 'the same as long as nothing changes');
    assert.equal(servicesOf(held, defaultPolicy(''), 'default'), held, 'the control: without groups all of them');
    assert.equal(servicesOf(undefined, policy, 'payments'), undefined, 'what is not certain is leased to nobody');
    const moving = { ...policy, runtimeGroups: { ...placed, leaving: { bank: ['default'] } } };
    assert.deepEqual(servicesOf(held, moving, 'default')?.services, held.services);
  });
});
