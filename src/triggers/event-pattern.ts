/** Which published events a trigger wants: a type, or everything below one, and a source. */

export interface EventPattern {
  readonly text: string;
  /** Set: types that begin with this and go on; else `text` is the type itself. */
  readonly prefix?: string;
}

export type ParsedEventPattern =
  | { readonly ok: true; readonly pattern: EventPattern }
  | { readonly ok: false; readonly message: string };

export const maxEventTypeLength = 253;

/** Parses `com.acme.order.created`, `com.acme.order.*` (one or more further parts) or `*` (all). */
export function parseEventPattern(text: string): ParsedEventPattern {
  if (text === '*') return { ok: true, pattern: { text, prefix: '' } };
  const open = text.endsWith('.*');
  const mistake = checkEventType(open ? text.slice(0, -2) : text);
  if (mistake !== undefined) return { ok: false, message: mistake };
  return { ok: true, pattern: open ? { text, prefix: text.slice(0, -1) } : { text } };
}

/** What is wrong with the type of an event; undefined: nothing. */
export function checkEventType(type: string): string | undefined {
  if (type.length > maxEventTypeLength) return `an event type has at most ${maxEventTypeLength} characters`;
  for (const part of type.split('.')) {
    if (part === '')
      return `"${type}" has an empty part: an event type is parts joined by dots, such as com.acme.order.created`;
    if (part.includes('*')) return `"${type}": a * stands alone at the end, as in com.acme.order.*`;
    if (/[\s\x00-\x1f\x7f]/.test(part)) return `"${type}" holds a blank or control character`;
  }
  return undefined;
}
