/** Asking before something of dangerous breadth is done. */
import { createInterface } from 'node:readline/promises';
import { escapeText } from './escape-text.ts';

/** Asks on the terminal; without one nobody can answer, so `--yes` has to be there: undefined. */
export async function confirm(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await terminal.question(`${escapeText(question)} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
