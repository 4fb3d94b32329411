/** Runs an expression of a subscription over an event: no I/O, metered. */
import type { CallResult } from '../lua/types.ts';
import type { StoredEvent } from '../store/store.ts';
import { EventTable } from './event-table.ts';
import type { LiveSubscription } from './live-subscriptions.ts';
import type { subscriptionExpressions } from './load-subscription.ts';
import { StoredEventSource } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

type Expression = (typeof subscriptionExpressions)[keyof typeof subscriptionExpressions];

/** A filter decides quickly; a transform builds a body. */
const cpuMs: Readonly<Record<Expression, number>> = {
  'spec.filter': 10,
  'spec.transform': 100,
  'spec.ordered.key': 10,
};

export async function evaluateSubscription(
  live: LiveSubscription,
  parts: WorkerParts,
  expression: Expression,
  event: StoredEvent,
  attempt: number,
  signal?: AbortSignal,
): Promise<CallResult> {
  const { program } = live;
  if (program === undefined) throw new Error(`${live.entry.name}: ${expression} is not loaded`);
  const cpu = cpuMs[expression];
  program.calls += 1;
  try {
    return await parts.engine.call({
      callId: parts.newCallId(),
      revision: program.revision,
      target: { expression },
      arguments: [],
      globals: { event: new EventTable(new StoredEventSource(event, undefined, attempt)) },
      limits: { timeoutMs: cpu * 10, cpuMs: cpu, hostCalls: 0 },
      context: live.context,
      pure: true,
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    program.calls -= 1;
    if (program.retired && program.calls === 0) parts.engine.unload(program.revision);
  }
}
