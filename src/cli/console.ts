/** `moonhook console`: where the console of the running `moonhook dev` is, with the token that opens it. */
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { findDevProcess } from './dev-client.ts';
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
    .action((options: ConsoleOptions) => {
      process.exitCode = showConsole(options);
    });
}

function showConsole({ dataDir, open }: ConsoleOptions): number {
  const found = findDevProcess(dataDir);
  if (!found.ok) {
    complain(found.message);
    return found.exitCode;
  }
  const { consoleUrl } = found.value;
  if (consoleUrl === undefined) {
    complain('the running `moonhook dev` has no console: its port was taken; start it with --console-port 0');
    return exitCodes.failed;
  }
  printLines([consoleUrl]);
  if (open && process.stdout.isTTY) openBrowser(consoleUrl);
  return exitCodes.ok;
}

/** Best effort: the address is printed all the same. */
function openBrowser(url: string): void {
  const command = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
