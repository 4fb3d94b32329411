/** `moonhook console`: where the console of the running `moonhook dev` is, with the token that opens it. */
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { askProcess, findDevProcess, refused } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, printLines } from './output.ts';

interface ConsoleOptions {
  readonly dataDir?: string;
  readonly open: boolean;
}

/** Adds the verb to the program. */
export function registerConsole(program: Command): void {
  program
    .command('console')
    .description('open the console of the running `moonhook dev` in the browser: write, try and watch functions')
    .option('--data-dir <path>', 'data directory of the run (default: the nearest .moonhook)')
    .option('--no-open', 'only print the address')
    .addHelpText('after', '\nThe address holds the start-up token: whoever has it can do what the console can.')
    .action(async (options: ConsoleOptions) => {
      process.exitCode = await showConsole(options);
    });
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
  if (!open || !process.stdout.isTTY) return exitCodes.ok;
  // Arguments of programs can be read by every user of the machine: a code, which is spent when the page opens.
  const answer = await askProcess(`${consoleUrl}/api/codes`, token, { method: 'POST' });
  if (!answer.ok) return refused(answer);
  const { code } = (await answer.value.json()) as { readonly code?: unknown };
  if (typeof code === 'string') openBrowser(`${consoleUrl}/#code=${code}`);
  return exitCodes.ok;
}

/** Best effort: the address is printed all the same. */
function openBrowser(url: string): void {
  const command = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
