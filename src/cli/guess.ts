/** `moonhook verify CAPTURE --guess`: which receiver, or which description for `hmac`, a captured request passes. */
import { stringify } from 'yaml';
import { guessScheme } from '../receivers/guess-scheme.ts';
import { readCapture, type CaptureOptions } from '../receivers/read-capture.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';

export interface GuessInput extends CaptureOptions {
  readonly secrets: readonly Uint8Array[];
  readonly nowMs: number;
  readonly json: boolean;
}

export type GuessResult =
  | { readonly ok: true; readonly exitCode: number; readonly text: string }
  | { readonly ok: false; readonly message: string };

/** What to print, and the exit code: 0 found, 3 nothing fits. */
export async function guessCapture(capture: unknown, input: GuessInput): Promise<GuessResult> {
  if (input.secrets.length === 0) return { ok: false, message: '--guess needs the secret: --secret or --secret-file' };
  const read = readCapture(capture, input);
  if (!read.ok) return { ok: false, message: `capture: ${read.message}` };
  const guesses = await guessScheme(read.request, input.secrets, { nowMs: input.nowMs });
  const exitCode = guesses.length > 0 ? exitCodes.ok : exitCodes.notVerified;
  if (input.json) return { ok: true, exitCode, text: `${JSON.stringify({ guesses }, undefined, 2)}\n` };
  if (guesses.length === 0) {
    const hint = 'is the secret the right one, and are body, URL and headers exactly as they came?';
    return { ok: true, exitCode, text: `Nothing fits: ${hint}\n` };
  }
  const lines = guesses.flatMap(({ receiver, fields, detail }) => [
    `# ${detail}`,
    ...stringify({ receiver: { [receiver]: fields } })
      .trimEnd()
      .split('\n'),
  ]);
  return { ok: true, exitCode, text: `${lines.map(escapeText).join('\n')}\n` };
}
