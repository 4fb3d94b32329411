/** Names of events as the rest of the product sees them: short, printable, whatever the sender put there. */

const allowed = /[^A-Za-z0-9_.:/@-]/g;

/** A sender's word as an event name: at most 128 characters of `A-Z a-z 0-9 _ . : / @ -`, others become `_`; nothing is `unknown`. */
export function eventName(word: string): string {
  return word === '' ? 'unknown' : word.slice(0, 128).replace(allowed, '_');
}

/** A name with an action behind a dot: `pull_request.opened`. */
export function withAction(word: string, action: string | undefined): string {
  return action === undefined ? eventName(word) : eventName(`${word}.${action}`);
}

/** A delivery id as kept in keys and records: printable, at most 256 characters; undefined: unusable. */
export function deliveryId(text: string | undefined): string | undefined {
  return text !== undefined && /^[\x21-\x7e]{1,256}$/.test(text) ? text : undefined;
}
