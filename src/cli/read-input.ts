/** Reads what a command is given: a file, standard input (`-`), or the text itself (`-d`). */
import { readFileSync } from 'node:fs';
import { errorMessage } from '../failures/error-message.ts';

export type InputResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string };

/** The bytes of a file; `-` is standard input. */
export function readInput(path: string): InputResult<Buffer> {
  try {
    return { ok: true, value: readFileSync(path === '-' ? 0 : path) };
  } catch (error) {
    return { ok: false, message: `cannot read ${path}: ${errorMessage(error)}` };
  }
}

/** `@FILE`, `@-`, or the text itself, as curl has it. */
export function readData(data: string): InputResult<Buffer> {
  return data.startsWith('@') ? readInput(data.slice(1)) : { ok: true, value: Buffer.from(data) };
}

/** Secrets of `--secret` and `--secret-file`, in order; a file's final newline is not part of the secret. */
export function readSecrets(
  texts: readonly string[] = [],
  files: readonly string[] = [],
): InputResult<readonly Uint8Array[]> {
  const secrets: Uint8Array[] = texts.map((text) => Buffer.from(text));
  for (const file of files) {
    const bytes = readInput(file);
    if (!bytes.ok) return bytes;
    const end = bytes.value.at(-1) === 0x0a ? (bytes.value.at(-2) === 0x0d ? -2 : -1) : undefined;
    secrets.push(bytes.value.subarray(0, end));
  }
  return { ok: true, value: secrets };
}

/** A time as people write it: RFC 3339, or seconds or milliseconds since the epoch. */
export function readTime(text: string): number | undefined {
  if (/^\d{1,11}$/.test(text)) return Number(text) * 1000;
  if (/^\d{12,15}$/.test(text)) return Number(text);
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** A method of `-X`, in capitals; undefined: HTTP knows no such word, or nobody could answer it. */
export function readMethod(text: string): string | undefined {
  const method = text.toUpperCase();
  return /^[A-Z-]{1,32}$/.test(method) && !['CONNECT', 'TRACE', 'TRACK'].includes(method) ? method : undefined;
}
