/** `moonhook console`: the console of the running `moonhook dev`, or one of its own for a cluster. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { openClusterDesk } from './ask-cluster.ts';
import { chosenRun, withRunOptions, type RunOptions } from './choose-run.ts';
import { readRunAnswer } from './check-answer.ts';
import { openClusterConsole } from './cluster-console.ts';
import { connectCluster } from './cluster-run-client.ts';
import { askProcess, findDevProcess, refused } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, printLines } from './output.ts';

interface ConsoleOptions extends RunOptions {
  readonly open: boolean;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly port: string;
}

/** Adds the verb to the program. */
export function registerConsole(program: Command): void {
  withRunOptions(
    program
      .command('console')
      .description('open the console in the browser: write, try and watch functions')
      .option('-n, --namespace <namespace>', "of a cluster: the namespace to show (default: the context's)")
      .option('-A, --all-namespaces', 'of a cluster: all namespaces, for whoever may list them')
      .option('--port <port>', 'of a cluster: port of the page on this machine (default: any that is free)', '0'),
  )
    .option('--no-open', 'only print the address')
    .addHelpText(
      'after',
      `
A local run has a console already: its address is printed, with the start-up token in it. For a cluster the page is served by
this command until it is stopped, and does what the user of the kubeconfig may do. Whoever has the address can do the same.`,
    )
    .action(async (options: ConsoleOptions) => {
      const choice = chosenRun(options);
      if (choice.kind === 'mistake') complain(choice.message);
      process.exitCode =
        choice.kind === 'mistake'
          ? exitCodes.unusable
          : await (choice.kind === 'local' ? showConsole(options) : serveCluster(options, choice.told));
    });
}

/** Until it is told to stop. */
async function serveCluster(options: ConsoleOptions, told: boolean): Promise<number> {
  const { namespace, allNamespaces, open } = options;
  if (!/^\d{1,5}$/.test(options.port) || Number(options.port) > 65_535) {
    complain('--port takes a number from 0 to 65535');
    return exitCodes.unusable;
  }
  const client = connectCluster(options);
  if (!client.ok) return refused(client);
  const desk = openClusterDesk(options);
  if (!desk.ok) return refused(desk);
  const scope = allNamespaces === true ? undefined : (namespace ?? client.value.namespace);
  if (told) complain(`no local run here: this is the cluster of ${client.value.label}`);
  // Whoever may not see anything is told now, by the API server's own words.
  const allowed = await client.value.listFunctions(scope);
  if (!allowed.ok) return refused(allowed);
  const opened = await openClusterConsole({
    client: client.value,
    desk: desk.value,
    scope,
    port: Number(options.port),
    token: randomBytes(32).toString('base64url'),
    now: () => Date.now(),
    onDefect: complain,
  });
  printLines([opened.url]);
  if (open && process.stdout.isTTY) await openOnce(opened.place, new URL(opened.url).hash.slice('#token='.length));
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  await promise;
  await opened.close();
  return exitCodes.ok;
}

async function showConsole({ dataDir, open }: ConsoleOptions): Promise<number> {
  const found = findDevProcess(dataDir);
  if (!found.ok) {
    complain(found.message);
    return found.exitCode;
  }
  const { consoleUrl, token } = found.value;
  if (consoleUrl === undefined) {
    complain('the running `moonhook dev` has no console: its port was taken; start it with --console-port 0');
    return exitCodes.failed;
  }
  printLines([`${consoleUrl}/#token=${token}`]);
  return open && process.stdout.isTTY ? openOnce(consoleUrl, token) : exitCodes.ok;
}

/** Arguments of programs can be read by every user of the machine: a code, which is spent when the page opens. */
async function openOnce(place: string, token: string): Promise<number> {
  const answer = await askProcess(`${place}/api/codes`, token, { method: 'POST' });
  if (!answer.ok) return refused(answer);
  const told = await readRunAnswer(answer.value);
  if (!told.ok) return refused(told);
  const { code } = told.value;
  if (typeof code === 'string') openBrowser(`${place}/#code=${code}`);
  return exitCodes.ok;
}

/** Best effort: the address is printed all the same. */
function openBrowser(url: string): void {
  const command = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
