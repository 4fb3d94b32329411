/** What a schedule does with a slot that comes while the one before still runs: `Replace`, `Forbid`, `Allow`, in a real run. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { runCli, startCli, type RunningCli } from '../builders/run-cli.ts';

const minute = 60_000;

const hook = (name: string, policy: string): string => `apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: ${name} }
spec:
  limits: { timeout: 5m }
  code: |
    return function(event)
      sleep(290)
    end
  triggers:
    - name: tick
      schedule: { cron: "* * * * *", concurrencyPolicy: ${policy} }
`;

/** The wall clock of a process runs so many milliseconds ahead, in all of its threads. */
const aheadBy = (milliseconds: number): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=data:text/javascript,const{now}=Date;Date.now=()=>now()+${milliseconds}`,
});

interface Call {
  readonly functionName: string;
  /** Absent: it did not get as far as to run. */
  readonly cpuMs?: number;
}

test('a slot ends the run before it under Replace, waits for it under Forbid, and runs beside it under Allow', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'moonhook-policies-'));
  const folder = join(base, 'hooks');
  mkdirSync(folder);
  for (const policy of ['Replace', 'Forbid', 'Allow']) {
    writeFileSync(join(folder, `${policy.toLowerCase()}.yaml`), hook(policy.toLowerCase(), policy));
  }
  const runs: RunningCli[] = [];
  t.after(async () => {
    for (const run of runs) await run.stop('SIGKILL');
    rmSync(base, { recursive: true, force: true });
  });
  const ports = ['--port', '0', '--call-port', '0', '--admin-port', '0', '--console-port', '0'];
  const start = async (ahead: number): Promise<RunningCli> => {
    const started = startCli(['dev', 'hooks', ...ports], { cwd: base, env: aheadBy(ahead) });
    runs.push(started);
    await started.output(/serves hooks: 3 of 3 functions ready/);
    return started;
  };
  const calls = async (...parts: readonly string[]): Promise<readonly Call[]> => {
    const { stdout, stderr, exitCode } = await runCli(['calls', ...parts, '-o', 'json'], { cwd: folder });
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout) as readonly Call[];
  };

  // The schedules are known; nothing of them has run.
  const first = await start(0);
  await first.stop('SIGTERM');
  // Ten minutes later, shortly before a full one: the last slot that was missed runs, and the next comes soon.
  const soon = 6_000;
  const now = Date.now() + 10 * minute;
  await start(Math.ceil(now / minute) * minute - soon - Date.now());
  /** Whose runs were ended: slots that were missed give way to the newest, and never ran. */
  const ended = async (): Promise<readonly string[]> =>
    (await calls('--outcome', 'superseded')).flatMap(({ functionName, cpuMs }) =>
      cpuMs === undefined ? [] : [functionName],
    );
  await eventually('the run of Replace gave way', async () => (await ended()).length > 0, undefined, 2 * minute);
  const running = new Map<string, number>();
  await eventually(
    'the next slots run',
    async () => {
      running.clear();
      for (const { functionName } of await calls('--running')) {
        running.set(functionName, (running.get(functionName) ?? 0) + 1);
      }
      return running.get('replace') === 1 && (running.get('allow') ?? 0) >= 2;
    },
    () => [...running],
    2 * minute,
  );
  assert.equal(running.get('forbid'), 1, 'it waits for the one before');
  assert.deepEqual([...new Set(await ended())], ['replace']);
  const { stdout } = await runCli(['deliveries', 'forbid', '-o', 'json'], { cwd: folder });
  const states = (JSON.parse(stdout) as { items: readonly { state: string }[] }).items.map(({ state }) => state);
  assert.ok(states.includes('leased') && states.includes('held'), states.join());
});
