/** Runs one command line: what was typed, to the exit code of the process. */
import { CommanderError } from 'commander';
import { createProgram } from './create-program.ts';
import { exitCodes } from './exit-codes.ts';
import { placeOptions } from './place-options.ts';

/** `args`: without node and script. Sets `process.exitCode`; resolves when the verb has ended. */
export async function runCommand(args: readonly string[]): Promise<void> {
  try {
    const typed = placeOptions(args);
    const program = await createProgram(typed[0]);
    if (typed.length === 0) program.help({ error: true });
    await program.parseAsync(typed, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what is wrong; help and version that were asked for are no mistakes.
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.unusable;
  }
}
