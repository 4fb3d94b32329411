/** A synchronous trigger with `publish`: the verified event is on the namespace's bus before the handler runs. */
import { formatDestination } from '../delivery/destination.ts';
import { mostAtOnce } from '../delivery/fan-out.ts';
import type { AppendItem } from '../store/store.ts';
import { shareBudget } from '../triggers/event-budget.ts';
import { appendBounded } from './append-eager.ts';
import { findDuplicateKey } from './find-duplicate-key.ts';
import type { HttpCall } from './http-call.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { splitBatch } from './split-batch.ts';
import { withBudget } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export function publishEvent(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  const { fn, trigger } = call;
  if (fn === undefined || trigger?.extras?.publish !== true || trigger.asynchronous) return undefined;
  return publish(call, parts, fn, trigger);
}

/** A delivery that its sender repeats is on the bus once, though its handler runs each time. */
async function publish(call: HttpCall, parts: WorkerParts, fn: LiveFunction, trigger: LiveTrigger): Promise<void> {
  const { namespaceUid, name } = fn.entry;
  const destination = formatDestination({ namespaceUid, functionName: name, target: { trigger: trigger.entry.name } });
  const all = splitBatch(call, fn);
  const items: AppendItem[] = [];
  let room = mostAtOnce;
  for (const accepted of all) {
    const duplicate = await findDuplicateKey(call, parts, fn, trigger, `${destination} publish`, accepted);
    if (duplicate === 'refused') return undefined;
    const { deliveries, count } = await publishedDeliveries(parts, accepted.event, room);
    room -= deliveries.length;
    const event = withBudget(accepted.event, shareBudget(call.budget, all.length * Math.max(1, count)));
    items.push({ event, deliveries, ...(duplicate === undefined ? {} : { duplicate }) });
  }
  const [appended] = await appendBounded(items, parts);
  if (appended !== undefined) call.eventId = appended.id;
}
