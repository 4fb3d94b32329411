import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { defaultPolicy } from '../../src/policy/installation-policy.ts';
import type { TableChange } from '../../src/routing/diff-tables.ts';
import { functionEntry, httpTriggerEntry, routeTable, scheduleTriggerEntry } from '../builders/function-entry.ts';
import { sameTable, TestTable, TestTokens, until, type TestController } from './cluster.ts';
import { openForFile } from './opened.ts';

const { controller, runtime } = openForFile();

const pod = (name: string) => ({ name, uid: `uid-of-${name}` });
const entry = (name: string, revision = '1') => functionEntry({ name, revision: `${name}-${revision}` });
const set = (name: string, revision = '1'): TableChange => ({ op: 'set', entry: entry(name, revision) });

/** Runtimes that said yes to the revision. */
function accepted({ server }: TestController, uid: string, revision: string): number {
  return server.runtimes().filter(({ acknowledgements }) => {
    const said = acknowledgements.get(uid);
    return said?.accepted === true && said.revision === revision;
  }).length;
}

suite('the table over links', () => {
  test('every runtime gets the whole table, then differences, and every controller hears what each says', async () => {
    const tokens = new TestTokens();
    const table = new TestTable(routeTable(Array.from({ length: 300 }, (_, index) => entry(`hook-${index}`))));
    const leader = await controller(tokens, { name: 'a', epoch: 3, table });
    const other = await controller(tokens, { name: 'b', epoch: 0, table });
    const runtimes = await Promise.all(
      ['r-1', 'r-2', 'r-3'].map((name) => runtime(pod(name), tokens, [leader, other])),
    );
    assert.ok(runtimes.every(({ client }) => client.notReady() !== undefined));
    await until('all are ready', () => runtimes.every(({ client }) => client.notReady() === undefined));
    for (const { server } of runtimes) assert.ok(sameTable(server.table, table.current() as never));
    for (const each of [leader, other]) {
      await until('all acknowledged everywhere', () => accepted(each, 'uid-team-a-hook-299', 'hook-299-1') === 3);
      await until('all is said', () =>
        each.server.runtimes().every(({ acknowledgements, ready }) => acknowledgements.size === 300 && ready),
      );
    }

    const before = runtimes.map(({ server }) => server.applied);
    table.change([set('hook-7', '2'), { op: 'delete', uid: 'uid-team-a-hook-8' }, set('new')]);
    for (const each of [leader, other]) {
      await until('the edit is acknowledged', () => accepted(each, 'uid-team-a-hook-7', 'hook-7-2') === 3);
      await until('the new one is acknowledged', () => accepted(each, 'uid-team-a-new', 'new-1') === 3);
      assert.equal(accepted(each, 'uid-team-a-hook-8', 'hook-8-1'), 0);
    }
    for (const [index, { server }] of runtimes.entries()) {
      assert.ok(sameTable(server.table, table.current() as never));
      assert.equal(server.applied, (before[index] as number) + 1, 'one change, not the table again');
    }
  });

  test('a rejection comes with its reason, and a function made anew under its name replaces the old one', async () => {
    const tokens = new TestTokens();
    const leader = await controller(tokens, { table: new TestTable(routeTable([entry('hook')])) });
    const one = await runtime(pod('r-1'), tokens, [leader]);
    one.server.judge = (uid, revision) =>
      revision === 'hook-bad'
        ? { uid, revision, accepted: false, reason: 'LuaSyntax', message: 'unexpected symbol', line: 3 }
        : { uid, revision, accepted: true, servingRevision: revision };
    await until('it is ready', () => one.client.notReady() === undefined);
    leader.table.change([set('hook', 'bad')]);
    const said = () => leader.server.runtimes()[0]?.acknowledgements.get('uid-team-a-hook');
    await until('the rejection is heard', () => said()?.accepted === false);
    assert.deepEqual(said(), {
      uid: 'uid-team-a-hook',
      revision: 'hook-bad',
      accepted: false,
      reason: 'LuaSyntax',
      message: 'unexpected symbol',
      line: 3,
    });
    leader.table.change([
      { op: 'set', entry: functionEntry({ name: 'hook', uid: 'uid-2', revision: 'hook-3' }) },
      { op: 'delete', uid: 'uid-team-a-hook' },
    ]);
    await until('the successor is there', () => one.server.table.functions.has('uid-2'));
    assert.deepEqual([...one.server.table.functions.keys()], ['uid-2']);
    assert.equal(said(), undefined);
  });

  test('a runtime that comes back is sent only what it lacks', async () => {
    const tokens = new TestTokens();
    const table = new TestTable(routeTable(Array.from({ length: 50 }, (_, index) => entry(`hook-${index}`))));
    const first = await controller(tokens, { table, epoch: 1 });
    const second = await controller(tokens, { name: 'b', table, epoch: 0 });
    const one = await runtime(pod('r-1'), tokens, [first, second]);
    await until('it is ready', () => one.client.notReady() === undefined);
    const changed: string[] = [];
    const judge = one.server.judge;
    one.server.judge = (uid, revision) => {
      changed.push(uid);
      return judge(uid, revision);
    };
    await first.server.close();
    table.change([set('hook-3', '2')]);
    second.leadership.lead(2);
    await until('the edit is there', () => accepted(second, 'uid-team-a-hook-3', 'hook-3-2') === 1);
    assert.deepEqual(changed, ['uid-team-a-hook-3']);
    await until(
      'all it holds was said to the new leader',
      () => accepted(second, 'uid-team-a-hook-9', 'hook-9-1') === 1,
    );
  });

  test('the table of the highest epoch is followed; without its leader a runtime keeps what it has', async () => {
    const tokens = new TestTokens();
    const old = await controller(tokens, { name: 'old', epoch: 1, table: new TestTable(routeTable([entry('old')])) });
    const next = await controller(tokens, {
      name: 'next',
      epoch: 0,
      table: new TestTable(routeTable([entry('next')])),
    });
    const one = await runtime(pod('r-1'), tokens, [old, next]);
    await until('it follows the leader', () => one.server.table.functions.has('uid-team-a-old'));
    next.leadership.lead(2);
    await until('it follows the new leader', () => one.server.table.functions.has('uid-team-a-next'));
    assert.ok(!one.server.table.functions.has('uid-team-a-old'));
    // The old leader still believes in itself: nothing it says counts.
    old.table.change([set('from-the-old-leader')]);
    next.table.change([set('from-the-new-leader')]);
    await until('the new leader is heard', () => one.server.table.functions.has('uid-team-a-from-the-new-leader'));
    assert.ok(!one.server.table.functions.has('uid-team-a-from-the-old-leader'));
    next.leadership.lead(0);
    next.table.change([set('after-the-lease')]);
    old.leadership.lead(3);
    await until('the highest epoch again', () => one.server.table.functions.has('uid-team-a-from-the-old-leader'));
    assert.ok(!one.server.table.functions.has('uid-team-a-after-the-lease'));
    assert.equal(one.client.notReady(), undefined);
  });

  test('a runtime without a table takes that of any replica, but of none that has not read everything', async () => {
    const tokens = new TestTokens();
    const empty = await controller(tokens, { name: 'empty', epoch: 0, table: new TestTable() });
    const one = await runtime(pod('r-1'), tokens, [empty]);
    await until('it is linked', () => one.client.links === 1);
    assert.notEqual(one.client.notReady(), undefined);
    empty.table.set(routeTable([entry('hook')]));
    await until('it serves', () => one.client.notReady() === undefined);
    assert.ok(one.server.table.functions.has('uid-team-a-hook'));
  });

  test('a count of elections that began anew does not leave runtimes with what they have', async () => {
    const tokens = new TestTokens();
    const table = new TestTable(routeTable([entry('hook')]));
    const first = await controller(tokens, { epoch: 9, table });
    const { port } = first.server;
    const one = await runtime(pod('r-1'), tokens, [first]);
    await until('it is ready', () => one.client.notReady() === undefined);
    await first.server.close();
    table.change([set('hook', '2')]);
    const second = await controller(tokens, { epoch: 1, table, server: { port, outrankedMs: 50 } });
    await until('the edit is there', () => accepted(second, 'uid-team-a-hook', 'hook-2') === 1);
    assert.ok(second.log.lines.some((line) => line.includes('going above')));
  });

  test('what a runtime reports of schedules and receivers is kept for the statuses, the latest run of all', async () => {
    const tokens = new TestTokens();
    const scheduled = functionEntry({ triggers: [scheduleTriggerEntry()] });
    const leader = await controller(tokens, { table: new TestTable(routeTable([scheduled])) });
    const at = (hour: number): number => Date.UTC(2026, 0, 1, hour);
    const reported = { schedules: [{ uid: scheduled.uid, trigger: 'nightly', last: at(2), next: at(4) }], health: [] };
    const one = await runtime(pod('r-1'), tokens, [leader], { reported: () => reported });
    const times = () => leader.server.scheduleTimes(scheduled.uid)?.get('nightly');
    await until('a link begins with what was told before', () => times() !== undefined);
    one.client.report({
      schedules: [
        { uid: scheduled.uid, trigger: 'nightly', next: at(5) },
        { uid: 'made-up', trigger: 'nightly', next: at(5) },
        { uid: scheduled.uid, trigger: 'made-up', next: at(5) },
      ],
      health: [{ uid: 'made-up', breaker: 'Open' }],
    });
    await until('the new time is there', () => times()?.nextScheduleTime === '2026-01-01T05:00:00.000Z');
    assert.equal(times()?.lastScheduleTime, '2026-01-01T02:00:00.000Z');
    assert.equal(leader.server.scheduleTimes('made-up'), undefined);
    assert.deepEqual([...(leader.server.scheduleTimes(scheduled.uid)?.keys() ?? [])], ['nightly']);
    assert.equal(leader.server.subscriptionHealth('made-up'), undefined);
  });

  test('the policy goes ahead of the table, and a change of it reaches every runtime', async () => {
    const tokens = new TestTokens();
    let policy = defaultPolicy('https://one.example');
    const leader = await controller(tokens, { server: { policy: () => policy } });
    const one = await runtime(pod('r-1'), tokens, [leader]);
    await until('it is ready', () => one.client.notReady() === undefined);
    assert.deepEqual(one.server.policy, policy);
    policy = { ...policy, trustedProxies: ['10.0.0.0/8'] };
    leader.table.change([set('built-under-it')]);
    await until('the function is there', () => one.server.table.functions.size === 1);
    assert.deepEqual(one.server.policy?.trustedProxies, ['10.0.0.0/8']);
  });

  test('a table that could not be applied is asked for again', async () => {
    const tokens = new TestTokens();
    const table = new TestTable(routeTable([entry('one'), entry('two')]));
    const leader = await controller(tokens, { table });
    const one = await runtime(pod('r-1'), tokens, [leader], { againMs: 10 });
    const { server } = one;
    const apply = server.applyChanges.bind(server);
    let failures = 3;
    server.applyChanges = async (changes, version) => {
      if (failures-- > 0) throw new Error('the store is away');
      return apply(changes, version);
    };
    await until('it serves', () => one.client.notReady() === undefined);
    assert.ok(sameTable(server.table, table.current() as never));
    assert.ok(one.log.lines.some((line) => line.includes('asking for it again')));
    await until('it is acknowledged', () => accepted(leader, 'uid-team-a-two', 'two-1') === 1);
  });

  test('functions of another group do not travel', async () => {
    const tokens = new TestTokens();
    const foreign = functionEntry({ name: 'foreign', group: 'payments', env: { KEY: 'secret' }, secretEnv: ['KEY'] });
    const leader = await controller(tokens, { table: new TestTable(routeTable([entry('hook'), foreign])) });
    const one = await runtime(pod('r-1'), tokens, [leader]);
    await until('it is ready', () => one.client.notReady() === undefined);
    assert.deepEqual([...one.server.table.functions.keys()], ['uid-team-a-hook']);
    leader.table.change([{ op: 'set', entry: { ...entry('hook', '2'), group: 'payments' } }]);
    await until('what moved to another group is gone', () => one.server.table.functions.size === 0);
  });

  test('an entry of a newer format closes what served and is rejected as a matter of the runtime', async () => {
    const tokens = new TestTokens();
    const leader = await controller(tokens, {
      table: new TestTable(routeTable([functionEntry({ triggers: [httpTriggerEntry()] })])),
    });
    const one = await runtime(pod('r-1'), tokens, [leader]);
    await until('it is ready', () => one.client.notReady() === undefined);
    // The member that says the format stands first; what an entry of the next version adds comes after it.
    const newer = { ...functionEntry({ revision: 'next' }), v: 2 } as never;
    leader.table.change([{ op: 'set', entry: newer }]);
    const said = () => leader.server.runtimes()[0]?.acknowledgements.get('uid-team-a-hook');
    await until('it is rejected', () => said()?.accepted === false);
    assert.equal(said()?.reason, 'UnsupportedRuntime');
    const closed = one.server.table.functions.get('uid-team-a-hook');
    assert.equal(closed?.unresolved?.reason, 'UnsupportedRuntime');
    assert.ok(closed?.triggers.every(({ unresolved }) => unresolved !== undefined));
  });
});
