/** Reads the file of `--env-file`. */
import { readFileSync, statSync } from 'node:fs';
import { errorMessage } from '../failures/error-message.ts';
import { formatDiagnostic } from './diagnostic.ts';
import { parseEnvFile } from './env-file.ts';
import type { Timers } from './watch-folder.ts';

export type SecretsFileResult =
  | { readonly ok: true; readonly entries: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly lines: readonly string[] };

/** Its entries, or every line that is wrong; no file: no entries. */
export function readSecretsFile(file: string | undefined): SecretsFileResult {
  if (file === undefined) return { ok: true, entries: new Map() };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = errorMessage(error);
    return { ok: false, lines: [`cannot read the env file ${file}: ${reason}`] };
  }
  const { entries, mistakes } = parseEnvFile(file, text);
  return mistakes.length === 0 ? { ok: true, entries } : { ok: false, lines: mistakes.map(formatDiagnostic) };
}

const lookEveryMs = 1000;

/** Calls back with the file's content when it was written anew; answers how to stop. */
export function watchSecretsFile(
  file: string,
  timers: Timers,
  onChange: (result: SecretsFileResult) => void,
): () => void {
  const stampOf = (): string => {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats === undefined ? '' : `${stats.mtimeMs}:${stats.size}:${stats.ino}`;
  };
  let stamp = stampOf();
  let timer: { cancel(): void };
  const look = (): void => {
    const now = stampOf();
    // An editor may be in the middle of replacing it: what is gone says nothing yet.
    if (now !== stamp && now !== '') {
      stamp = now;
      onChange(readSecretsFile(file));
    }
    timer = timers.after(lookEveryMs, look);
  };
  timer = timers.after(lookEveryMs, look);
  return () => {
    timer.cancel();
  };
}
