/** The `moonhook` command with all its verbs, in the order `--help` shows them. */
import { Command } from 'commander';
import { registerCalls } from './calls.ts';
import { registerCheck } from './check.ts';
import { registerDescribe } from './describe.ts';
import { registerDev } from './dev.ts';
import { registerExplain } from './explain.ts';
import { registerInvoke } from './invoke.ts';
import { registerList } from './list.ts';
import { registerNew } from './new.ts';
import { registerReceivers } from './receivers.ts';
import { registerRender } from './render.ts';
import { registerSend } from './send.ts';
import { registerVerify } from './verify.ts';
import { registerVersion, version } from './version.ts';

/** A program that throws instead of ending the process: whoever runs it decides. */
export function createProgram(): Command {
  const program = new Command('moonhook')
    .description('webhook functions in Lua: serve them from a folder, try them, see why something did not fire')
    .version(version, '-V, --version', 'print the version')
    .showHelpAfterError('(`moonhook --help` lists the verbs)')
    .showSuggestionAfterError(true)
    .exitOverride();
  const register = [
    registerNew,
    registerDev,
    registerCheck,
    registerRender,
    registerInvoke,
    registerSend,
    registerCalls,
    registerExplain,
    registerList,
    registerDescribe,
    registerReceivers,
    registerVerify,
    registerVersion,
  ];
  for (const each of register) each(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}
