/** Which event triggers of a namespace want a published event: its deliveries. */
import { formatDestination } from '../delivery/destination.ts';
import type { NewDelivery } from '../store/store.ts';
import { matchEvent } from '../triggers/event-pattern.ts';
import type { LiveTable } from './live-table.ts';

export function publishedDeliveries(
  table: LiveTable,
  namespaceUid: string,
  type: string,
  source: string,
): readonly NewDelivery[] {
  const deliveries: NewDelivery[] = [];
  for (const { functionName, trigger, pattern } of table.listeners(namespaceUid)) {
    if (!matchEvent(pattern, trigger.source, { type, source }).matched) continue;
    deliveries.push({
      destination: formatDestination({ namespaceUid, functionName, target: { trigger: trigger.name } }),
    });
  }
  return deliveries;
}
