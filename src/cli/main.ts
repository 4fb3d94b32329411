/** Entry of the `moonhook` command. */
import { keepCompiledCode } from '../settings/compile-cache.ts';
import { exitCodes } from './exit-codes.ts';
import { runCommand } from './run-command.ts';

// The second start reads what the first one compiled: a third of the time and 50 MB less.
keepCompiledCode();

// A reader that closes early (`moonhook calls | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

await runCommand(process.argv.slice(2));
