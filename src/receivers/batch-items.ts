/** Bodies that hold several events: each item becomes an event with a name, a key and bytes of its own. */
import { deliveryId, eventName } from './event-name.ts';
import { readJsonElements, readJsonText } from './read-json-pointer.ts';
import type { BatchItem, Identified } from './types.ts';

/** Bodies with more are one event: no sender of the catalogue sends as many. */
export const maxBatchItems = 2000;

/** What an item says about itself, read from its bytes. */
export interface ItemFacts {
  readonly name: string | undefined;
  readonly id?: string | undefined;
}

/** The elements of a JSON array, each as an item; undefined: there is no array at the pointer. */
export function jsonItems(
  body: Uint8Array,
  segments: readonly string[],
  typePrefix: string,
  describe: (item: Uint8Array) => ItemFacts,
): readonly BatchItem[] | undefined {
  const base = segments.map((segment) => `/${segment}`).join('');
  return readJsonElements(body, segments, maxBatchItems)?.map((bytes, index) => {
    const facts = describe(bytes);
    const name = eventName(facts.name ?? 'request');
    const id = deliveryId(facts.id);
    return {
      pointer: `${base}/${index}`,
      name,
      type: `${typePrefix}.${name}`,
      ...(id === undefined ? {} : { deliveryId: id }),
      body: bytes,
      contentType: 'application/json',
    };
  });
}

/** The name of a whole batch: that of its items where they share one, else `batch`. */
export function batchName(items: readonly BatchItem[]): string {
  const [first] = items;
  if (first === undefined) return 'empty';
  return items.every(({ name }) => name === first.name) ? first.name : 'batch';
}

/** A batch as one identified request. */
export function identifiedBatch(items: readonly BatchItem[], typePrefix: string): Identified {
  const name = batchName(items);
  return { name, type: `${typePrefix}.${name}`, idSigned: true, items };
}

/** Text at a place of an item, for `ItemFacts`. */
export const textAt = (item: Uint8Array, ...segments: readonly string[]): string | undefined =>
  readJsonText(item, segments);
