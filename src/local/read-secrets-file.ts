/** Reads the file of `--env-file`. */
import { readFileSync } from 'node:fs';
import { formatDiagnostic } from './diagnostic.ts';
import { parseEnvFile } from './env-file.ts';

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
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, lines: [`cannot read the env file ${file}: ${reason}`] };
  }
  const { entries, mistakes } = parseEnvFile(file, text);
  return mistakes.length === 0 ? { ok: true, entries } : { ok: false, lines: mistakes.map(formatDiagnostic) };
}
