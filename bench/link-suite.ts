/** The link: how long ten thousand functions take to a runtime, and an edit to all of three. Runtimes are processes. */
import type { TableChange } from '../src/routing/diff-tables.ts';
import type { FunctionEntry } from '../src/routing/types.ts';
import { functionEntry, httpTriggerEntry, routeTable } from '../test/builders/function-entry.ts';
import { startController, TestTable, TestTokens, until } from '../test/link/cluster.ts';
import { startRuntimeProcess, type RuntimeProcess } from '../test/link/runtime-process.ts';
import { quantile, type Measure, type Suite } from './measure.ts';

const functions = 10_000;
const edits = 100;
const longestMs = 180_000;

function hook(index: number, answer: string): FunctionEntry {
  const name = `hook-${index}`;
  const code = `local M = {}\nfunction M.default(event)\n  return { status = 200, body = ${JSON.stringify(answer)} }\nend\nreturn M\n`;
  return functionEntry({
    name,
    revision: `${name} ${answer}`,
    code: { codeRevision: `${name} ${answer}`, code, modules: {} },
    triggers: [httpTriggerEntry({ routes: [{ path: `/team-a/${name}`, methods: [] }] })],
  });
}

async function answerOf(runtime: RuntimeProcess, index: number): Promise<string> {
  return (await fetch(`${runtime.publicUrl}/team-a/hook-${index}`)).text();
}

export const suite: Suite = {
  name: 'link',
  async run(progress) {
    const tokens = new TestTokens();
    const empty = new TestTable(routeTable([]));
    const full = routeTable(Array.from({ length: functions }, (_, index) => hook(index, 'first')));
    const controller = await startController(tokens, { epoch: 1, table: empty });
    const { port } = controller.server;
    const runtimes: RuntimeProcess[] = [];
    const environment = { MOONHOOK_LOG_LEVEL: 'info' };
    const measures: Measure[] = [];
    try {
      for (const name of ['one', 'two', 'three']) {
        const pod = { name, uid: `uid-of-${name}` };
        runtimes.push(await startRuntimeProcess(pod, tokens, { controllers: [port], environment }));
      }
      for (const runtime of runtimes) await until('it is ready', () => runtime.ready());

      progress(`${functions} functions at once to three runtimes`);
      const said = (uid: string, revision: string): number =>
        controller.server.runtimes().filter(({ acknowledgements }) => {
          const each = acknowledgements.get(uid);
          return each?.accepted === true && each.revision === revision;
        }).length;
      const all = (): boolean =>
        controller.server.runtimes().every(({ acknowledgements }) => acknowledgements.size === functions);
      let began = performance.now();
      empty.set(full);
      await until('all have acknowledged all', all, longestMs);
      measures.push({
        name: `${functions} new functions: acknowledged by 3 runtimes`,
        value: performance.now() - began,
        unit: 'ms',
        goal: { compare: '<=', value: 5_000 },
        note: 'all runtimes and the controller on this machine',
      });

      progress('edits');
      const waits: number[] = [];
      for (let edit = 0; edit < edits; edit += 1) {
        const index = (edit * 97) % functions;
        const entry = hook(index, `edit ${edit}`);
        const change: TableChange = { op: 'set', entry };
        began = performance.now();
        empty.change([change]);
        for (const runtime of runtimes) while ((await answerOf(runtime, index)) !== `edit ${edit}`);
        waits.push(performance.now() - began);
        await until('it is acknowledged', () => said(entry.uid, entry.revision) === runtimes.length);
      }
      const note = `${edits} edits among ${functions} functions; from the table of the controller`;
      measures.push(
        { name: 'edit → answered by 3 runtimes, p50', value: quantile(waits, 0.5), unit: 'ms', note },
        { name: 'edit → answered by 3 runtimes, p99', value: quantile(waits, 0.99), unit: 'ms', note },
      );

      progress('a new runtime with everything');
      for (const runtime of runtimes.splice(1)) await runtime.close();
      const late = await startRuntimeProcess({ name: 'late', uid: 'uid-of-late' }, tokens, {
        controllers: [port],
        environment,
      });
      runtimes.push(late);
      began = performance.now();
      await until('it is ready', () => late.ready(), longestMs);
      measures.push({
        name: `a runtime that connects, ${functions} functions: serving`,
        value: performance.now() - began,
        unit: 'ms',
        goal: { compare: '<=', value: 3_000 },
        note: 'from its listeners open to ready with the whole table',
      });

      progress('the controller comes back');
      await controller.server.close();
      const next = await startController(tokens, { epoch: 2, table: empty, server: { port } });
      const one = (): number =>
        next.server.runtimes().filter(({ acknowledgements }) => acknowledgements.size === functions).length;
      began = performance.now();
      await until('both are linked and have said everything', () => one() === 2);
      measures.push({
        name: `two runtimes reconnect with ${functions} functions held: all acknowledgements heard`,
        value: performance.now() - began,
        unit: 'ms',
        note: 'back-off of the dials included; nothing of the table travels',
      });
      await next.server.close();
      return measures;
    } finally {
      for (const runtime of runtimes) await runtime.close();
      await controller.server.close();
    }
  },
};
