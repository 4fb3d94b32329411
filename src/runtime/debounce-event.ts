/** `debounce`: an event waits for quiet, and the newest one of a key takes the place of those that wait. */
import type { NewDelivery, StoredEvent } from '../store/store.ts';
import type { DebounceEntry } from '../routing/types.ts';
import { evaluate } from './evaluate.ts';
import { EventTable } from './event-table.ts';
import { keyText } from './limit-calls.ts';
import { StoredEventSource } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Order of deliveries whose key could not be told when they were stored. */
export const unknownKey = 'debounce?';

/** The delivery of an event under its key. */
export function debounced(
  parts: WorkerParts,
  destination: string,
  key: string,
  { waitMs, maxWaitMs }: DebounceEntry,
): NewDelivery {
  const namespaceUid = destination.slice(0, destination.indexOf('/'));
  const limited = { namespaceUid, scope: `debounce ${destination}`, key };
  const delayMs = parts.keys.quietDelay(limited, waitMs, maxWaitMs, parts.clock.wall());
  return { destination, delayMs, orderKey: `debounce:${key}`, supersede: true };
}

/** Of a published event. A key that cannot be told must not keep it from being published: its attempts fail instead. */
export async function debouncedEvent(
  parts: WorkerParts,
  event: StoredEvent,
  functionName: string,
  triggerName: string,
  debounce: DebounceEntry,
  destination: string,
): Promise<NewDelivery> {
  const fn = parts.table.inScope(event.namespaceUid, functionName);
  const expression = fn?.trigger(triggerName)?.expressions.debounceKey;
  if (fn === undefined || expression === undefined) return debounced(parts, destination, '', debounce);
  const source = new StoredEventSource(event, triggerName, 1);
  const value = await evaluate(fn, parts, parts.newCallId(), expression, new EventTable(source));
  if (!value.ok) return { destination, orderKey: unknownKey };
  const key = keyText(value.value);
  // nil: this event is not held back.
  return key === undefined ? { destination } : debounced(parts, destination, key, debounce);
}
