/** Text of strangers on a terminal: control characters are shown, never obeyed. */

const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Escapes everything that could move a cursor, change colours or reorder text; keeps newline and tab. */
export function escapeText(text: string): string {
  return text.replace(control, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
