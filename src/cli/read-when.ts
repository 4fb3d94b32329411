/** Times as verbs take them: `2h` ago, or a time of day and date. */
import { parseDuration } from '../function/duration.ts';
import { readTime } from './read-input.ts';

/** RFC 3339; undefined: not a time. */
export function readWhen(text: string, now: number): string | undefined {
  const ago = parseDuration(text);
  const time = ago === undefined ? readTime(text) : now - ago;
  return time === undefined || Number.isNaN(new Date(time).getTime()) ? undefined : new Date(time).toISOString();
}

/** `since` and `until` of the options as a selection has them; a text: what is wrong. */
export function readSpan(
  options: { readonly since?: string; readonly until?: string },
  now: number,
): { readonly since?: string; readonly until?: string } | string {
  const span: { since?: string; until?: string } = {};
  for (const name of ['since', 'until'] as const) {
    const text = options[name];
    if (text === undefined) continue;
    const time = readWhen(text, now);
    if (time === undefined) return `--${name} takes 30m, 2h, 7d or a time such as 2026-01-31T12:00:00Z, not "${text}"`;
    span[name] = time;
  }
  return span;
}
