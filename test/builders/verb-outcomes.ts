/**
 * A process of its own that runs many command lines one after the other: reads them as JSON from standard input, writes what
 * each printed and its exit code as JSON. Hundreds of processes would take minutes.
 */
import { text } from 'node:stream/consumers';
import { runCommand } from '../../src/cli/run-command.ts';

export interface VerbOutcome {
  readonly args: readonly string[];
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const exitCodeNow = (): number => Number(process.exitCode ?? 0);

async function outcomeOf(args: readonly string[]): Promise<VerbOutcome> {
  const printed = { stdout: '', stderr: '' };
  const writes = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const stream of ['stdout', 'stderr'] as const) {
    process[stream].write = (part: string | Uint8Array): boolean => {
      printed[stream] += part.toString();
      return true;
    };
  }
  process.exitCode = 0;
  try {
    await runCommand(args);
    return { args, exitCode: exitCodeNow(), ...printed };
  } finally {
    process.stdout.write = writes.stdout;
    process.stderr.write = writes.stderr;
    process.exitCode = 0;
  }
}

if (import.meta.main) {
  const outcomes: VerbOutcome[] = [];
  for (const args of JSON.parse(await text(process.stdin)) as string[][]) outcomes.push(await outcomeOf(args));
  process.stdout.write(JSON.stringify(outcomes));
}
