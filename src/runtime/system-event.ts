/** Events that the platform itself publishes on a namespace's bus, written in the transaction of what they tell of. */
import { createHash } from 'node:crypto';
import { parseDestination } from '../delivery/destination.ts';
import { shownId } from '../delivery/chosen-id.ts';
import type { AppendItem, Ending, Lease, StoredEvent } from '../store/store.ts';
import type { SubscriptionEntry } from '../routing/subscription-entry.ts';
import { rootBudget, shareBudget } from '../triggers/event-budget.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { maxHops } from './screen-request.ts';
import { readAttributes } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export const systemTypes = {
  callDead: 'dev.moonhook.call.dead',
  webhookDead: 'dev.moonhook.webhook.dead',
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
  const attributes = {
    name: type,
    subject: name,
    hops: hops + 1,
    ...(cause === undefined ? {} : { cause: shownId(cause.id) }),
  };
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
  const { deliveryId } = readAttributes(event);
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
        ...endOf(ending, attempt),
        event: plainEvent(event),
        ...(deliveryId === undefined ? {} : { deliveryId }),
      },
      cause: event,
      except: destination,
    },
    parts,
  );
}

/** A webhook that is given up. What a subscription that is switched off was to be sent is not told one by one. */
export async function deadWebhookItem(
  { namespaceUid, namespace, name }: Pick<SubscriptionEntry, 'namespaceUid' | 'namespace' | 'name'>,
  { event, destination, generation, attempt }: Lease,
  ending: Ending,
  parts: WorkerParts,
): Promise<AppendItem | undefined> {
  if (ending.kind !== 'dead' || ending.reason === 'SubscriptionDisabled') return undefined;
  return await systemItem(
    {
      type: systemTypes.webhookDead,
      namespaceUid,
      namespace,
      name,
      identity: [event.id, destination, generation],
      data: { subscription: name, ...endOf(ending, attempt), event: plainEvent(event) },
      cause: event,
      except: destination,
    },
    parts,
  );
}

function endOf(
  { reason, error }: Ending & { readonly kind: 'dead' },
  attempts: number,
): Readonly<Record<string, unknown>> {
  return { reason, error: error.slice(0, longestError), attempts };
}

function plainEvent(event: StoredEvent): Readonly<Record<string, unknown>> {
  const { subject } = readAttributes(event);
  return {
    id: shownId(event.id),
    type: event.type,
    source: event.source,
    ...(subject === undefined ? {} : { subject }),
    ...(event.time === undefined ? {} : { time: new Date(event.time).toISOString() }),
  };
}
