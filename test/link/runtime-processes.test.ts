import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TableChange } from '../../src/routing/diff-tables.ts';
import { functionEntry, httpTriggerEntry, routeTable } from '../builders/function-entry.ts';
import { TestTable, TestTokens, until, type TestController } from './cluster.ts';
import { openForFile } from './opened.ts';
import { startRuntimeProcess, type ProcessOptions, type RuntimeProcess } from './runtime-process.ts';

const { closing, controller } = openForFile();

const pod = (name: string) => ({ name, uid: `uid-of-${name}` });

function hook(name: string, answer: string, parts: Parameters<typeof functionEntry>[0] = {}) {
  return functionEntry({
    name,
    revision: `${name} says ${answer}`,
    code: { codeRevision: answer, code: `return function() return ${JSON.stringify(answer)} end`, modules: {} },
    triggers: [httpTriggerEntry({ routes: [{ path: `/team-a/${name}`, methods: [] }] })],
    ...parts,
  });
}

const set = (...parts: Parameters<typeof hook>): TableChange => ({ op: 'set', entry: hook(...parts) });

async function runtime(name: string, tokens: TestTokens, options: ProcessOptions): Promise<RuntimeProcess> {
  const made = await startRuntimeProcess(pod(name), tokens, options);
  closing.push(() => made.close());
  return made;
}

async function ask(of: RuntimeProcess, name: string): Promise<string> {
  const response = await fetch(`${of.publicUrl}/team-a/${name}`);
  return `${response.status} ${(await response.text()).slice(0, 200)}`;
}

suite('runtimes as processes', () => {
  test('two controllers, three runtimes: programmed everywhere, a leader killed, edits go on', async () => {
    const tokens = new TestTokens();
    const table = new TestTable(routeTable([hook('hello', 'one')]));
    const leader = await controller(tokens, { name: 'a', epoch: 1, table });
    const other = await controller(tokens, { name: 'b', epoch: 0, table });
    const controllers = [leader.server.port, other.server.port];
    const runtimes = await Promise.all(['r-1', 'r-2', 'r-3'].map((name) => runtime(name, tokens, { controllers })));
    for (const each of runtimes) await until('it is ready', () => each.ready());
    for (const each of runtimes) assert.equal(await ask(each, 'hello'), '200 one');
    const metrics = await (await fetch(`${runtimes[0]?.adminUrl}/metrics`)).text();
    assert.match(metrics, /^moonhook_link_controllers 2$/m);

    table.change([set('hello', 'two')]);
    const said = (of: TestController) =>
      of.server.runtimes().filter(({ acknowledgements }) => {
        const acknowledgement = acknowledgements.get('uid-team-a-hello');
        return acknowledgement?.accepted === true && acknowledgement.revision === 'hello says two';
      }).length;
    for (const each of [leader, other]) await until('all have acknowledged', () => said(each) === 3);
    for (const each of runtimes) assert.equal(await ask(each, 'hello'), '200 two');

    await leader.server.close();
    table.change([set('hello', 'while nobody leads')]);
    for (const each of runtimes) assert.equal(await ask(each, 'hello'), '200 two', 'it keeps what it has');
    other.leadership.lead(2);
    for (const each of runtimes) {
      await until('the new leader programs', async () => (await ask(each, 'hello')) === '200 while nobody leads');
      assert.ok(await each.ready());
    }
    const [first] = runtimes;
    assert.equal(await first?.end(), 0, 'it drains and ends');
    await until('its link is gone', () => other.server.runtimes().filter(({ connected }) => connected).length === 2);
  });

  test('a container that restarts while no controller answers serves what needs no secret', async () => {
    const tokens = new TestTokens();
    const secret = hook('keyed', 'with a secret', {
      env: { PLAIN: 'shown', KEY: 'value-of-the-secret' },
      secretEnv: ['KEY'],
    });
    const table = new TestTable(routeTable([hook('hello', 'one'), secret]));
    const first = await controller(tokens, { epoch: 4, table });
    const { port } = first.server;
    const one = await runtime('r-1', tokens, { controllers: [port] });
    await until('it is ready', () => one.ready());
    assert.equal(await ask(one, 'keyed'), '200 with a secret');
    table.change([set('hello', 'two')]);
    await until('the edit is there', async () => (await ask(one, 'hello')) === '200 two');
    await first.server.close();
    await one.end('SIGTERM');

    const again = await one.restart();
    closing.push(() => again.close());
    await until('it serves from the file', () => again.ready());
    assert.equal(await ask(again, 'hello'), '200 two');
    assert.match(await ask(again, 'keyed'), /^503 /);

    const second = await controller(tokens, { epoch: 5, table, server: { port } });
    await until('the secret is back', async () => (await ask(again, 'keyed')) === '200 with a secret');
    assert.equal(second.server.runtimes()[0]?.runtime, 'r-1');
    assert.ok(!`${one.log()}${again.log()}`.includes('value-of-the-secret'));
  });
});
