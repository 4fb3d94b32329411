/**
 * Ids that publishers choose, and how they are stored. The store keeps one event of an id, so that a slot or an outbox that
 * comes twice makes one event: an id that strangers can influence must neither meet those the host makes (a call's id is
 * shown to its caller, and the next one can be guessed) nor those of another source (CloudEvents 1.0 §3.1).
 */

/** What stands between source and id; no id that the host makes holds it. */
const border = '#';

/** The id under which a published event is stored. */
export function chosenId(source: string, id: string): string {
  return `${source}${border}${encodeURIComponent(id.toWellFormed())}`;
}

/** The id as it was chosen; ids that the host made are themselves. */
export function shownId(stored: string): string {
  const at = stored.lastIndexOf(border);
  return at === -1 ? stored : decodeURIComponent(stored.slice(at + 1));
}

/** Whether an event is stored under an id that its publisher chose. */
export function isChosen(stored: string): boolean {
  return stored.includes(border);
}
