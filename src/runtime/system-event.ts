/** Events that the platform itself publishes on a namespace's bus, written in the transaction of what they tell of. */
import { createHash } from 'node:crypto';
import { parseDestination } from '../delivery/destination.ts';
import { shownId } from '../delivery/chosen-id.ts';
import type { AppendItem, Ending, Lease, StoredEvent } from '../store/store.ts';
import { rootBudget, shareBudget } from '../triggers/event-budget.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { maxHops } from './screen-request.ts';
import { readAttributes } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export const systemTypes = {
  callDead: 'dev.moonhook.call.dead',
  subscriptionDisabled: 'dev.moonhook.subscription.disabled',
  functionNotReady: 'dev.moonhook.function.notready',
} as const;

export interface SystemEvent {
  readonly type: (typeof systemTypes)[keyof typeof systemTypes];
  readonly namespaceUid: string;
  readonly namespace: string;
  /** Of the function or subscription it is about. */
  readonly name: string;
  /** What happens twice is said once. */
  readonly identity: readonly unknown[];
  readonly data: Readonly<Record<string, unknown>>;
  /** The event that led to it. */
  readonly cause?: StoredEvent;
  /** The destination whose failure it is: it is not told of its own. */
  readonly except?: string;
}

const longestError = 2_000;

/** Undefined: nobody is to be told. A consumer of such events that fails raises no further ones. */
export async function systemItem(told: SystemEvent, parts: WorkerParts): Promise<AppendItem | undefined> {
  const { type, namespaceUid, namespace, name, identity, data, cause, except } = told;
  if (cause !== undefined && (Object.values(systemTypes) as readonly string[]).includes(cause.type)) return undefined;
  const { hops = 0, budget = rootBudget } = cause === undefined ? {} : readAttributes(cause);
  if (hops >= maxHops || budget < 1) return undefined;
  const attributes = { name: type, subject: name, hops: hops + 1 };
  const event: StoredEvent = {
    id: createHash('sha256')
      .update(JSON.stringify([type, namespaceUid, name, ...identity]))
      .digest('hex')
      .slice(0, 32),
    namespaceUid,
    type,
    source: `/${namespace}/${name}`,
    time: parts.clock.wall(),
    attributes: JSON.stringify(attributes),
    body: Buffer.from(JSON.stringify({ namespace, ...data })),
  };
  const matched = await publishedDeliveries(parts, event);
  const deliveries = matched.deliveries.filter(({ destination }) => destination !== except);
  if (deliveries.length === 0) return undefined;
  const share = shareBudget(budget, matched.count);
  return { event: { ...event, attributes: JSON.stringify({ ...attributes, budget: share }) }, deliveries, owed: true };
}

/** A call that is given up. */
export async function deadCallItem(
  lease: Lease,
  ending: Ending & { readonly kind: 'dead' },
  parts: WorkerParts,
): Promise<AppendItem | undefined> {
  const { event, destination, generation, attempt } = lease;
  const from = parseDestination(destination);
  if (from === undefined) return undefined;
  const { namespaceUid, functionName, target } = from;
  const namespace = parts.table.namespaceOf(namespaceUid) ?? parts.subscriptions.namespaceOf(namespaceUid) ?? '';
  const { deliveryId, subject } = readAttributes(event);
  return await systemItem(
    {
      type: systemTypes.callDead,
      namespaceUid,
      namespace,
      name: functionName,
      identity: [event.id, destination, generation],
      data: {
        function: functionName,
        ...target,
        reason: ending.reason,
        error: ending.error.slice(0, longestError),
        attempts: attempt,
        event: {
          id: shownId(event.id),
          type: event.type,
          source: event.source,
          ...(subject === undefined ? {} : { subject }),
          ...(event.time === undefined ? {} : { time: new Date(event.time).toISOString() }),
        },
        ...(deliveryId === undefined ? {} : { deliveryId }),
      },
      cause: event,
      except: destination,
    },
    parts,
  );
}
