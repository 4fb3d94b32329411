/** Destinations of deliveries as people name them, whether something serves them, and why a delivery waits. */
import { parseDestination } from '../../delivery/destination.ts';
import { formatOutgoing, parseOutgoing } from '../../delivery/outgoing-destination.ts';
import type { SubscriptionEntry } from '../../routing/subscription-entry.ts';
import type { FunctionEntry, RouteTable } from '../../routing/types.ts';

/** Whom a delivery goes to, in its own namespace. */
export interface Addressee {
  readonly kind: 'WebhookFunction' | 'WebhookSubscription' | 'Callback' | 'Unknown';
  /** Of the function or subscription. */
  readonly name: string;
  readonly trigger?: string;
  /** Without a trigger: `later`, active calls. */
  readonly handler?: string;
}

export function addresseeOf(destination: string): Addressee {
  const outgoing = parseOutgoing(destination);
  if (outgoing !== undefined) {
    return { kind: outgoing.kind === 'callback' ? 'Callback' : 'WebhookSubscription', name: outgoing.name };
  }
  const own = parseDestination(destination);
  if (own === undefined) return { kind: 'Unknown', name: destination };
  return { kind: 'WebhookFunction', name: own.functionName, ...own.target };
}

/** `whf/NAME trigger push`, as lines of a story have it. */
export function describeAddressee(namespace: string, { kind, name, trigger, handler }: Addressee): string {
  if (kind === 'WebhookSubscription') return `whs/${namespace}/${name}`;
  if (kind === 'Callback') return `the callback of ${namespace}/${name}`;
  const part = trigger !== undefined ? ` trigger ${trigger}` : handler === undefined ? '' : ` handler ${handler}`;
  return `${namespace}/${name}${part}`;
}

/** The part of a filter that covers one function (one trigger of it) or one subscription. */
export function coverSubject(
  namespaceUid: string,
  subject: { readonly kind: 'function' | 'subscription'; readonly name: string; readonly trigger?: string },
): { readonly destination: string } | { readonly destinationPrefix: string } {
  const { kind, name, trigger } = subject;
  if (kind === 'subscription') return { destination: formatOutgoing({ namespaceUid, kind, name }) };
  const own = `${namespaceUid}/${name}/`;
  return trigger === undefined ? { destinationPrefix: own } : { destination: `${own}trigger:${trigger}` };
}

/** Why nothing of this destination runs now; undefined: it is served. */
export function whyNotServed(table: RouteTable, namespaceUid: string, addressee: Addressee): string | undefined {
  const { kind, name } = addressee;
  if (kind === 'Unknown') return 'nothing of this version takes it';
  if (kind === 'WebhookSubscription') {
    const entry = subscriptionIn(table, namespaceUid, name);
    return entry === undefined ? `there is no subscription ${name} any more` : whyEntryWaits(entry, 'subscription');
  }
  const entry = functionIn(table, namespaceUid, name);
  if (entry === undefined) return `there is no function ${name} any more`;
  const { trigger } = addressee;
  const own = entry.triggers.find((each) => each.name === trigger);
  if (trigger !== undefined && own === undefined) return `the function has no trigger ${trigger} any more`;
  const unresolved = own?.unresolved;
  if (unresolved !== undefined) return `${unresolved.reason}: ${unresolved.message}`;
  return whyEntryWaits(entry, 'function');
}

function whyEntryWaits(entry: FunctionEntry | SubscriptionEntry, what: string): string | undefined {
  if (entry.suspended) return `the ${what} is suspended`;
  return entry.unresolved === undefined ? undefined : `${entry.unresolved.reason}: ${entry.unresolved.message}`;
}

export function functionIn(table: RouteTable, namespaceUid: string, name: string): FunctionEntry | undefined {
  return named(table.functions).get(namespaceUid)?.get(name);
}

export function subscriptionIn(table: RouteTable, namespaceUid: string, name: string): SubscriptionEntry | undefined {
  return table.subscriptions === undefined ? undefined : named(table.subscriptions).get(namespaceUid)?.get(name);
}

type ByName<Entry> = ReadonlyMap<string, ReadonlyMap<string, Entry>>;

/** Tables never change, and know entries by uid; a page of a thousand deliveries asks for the names of each. */
const indexes = new WeakMap<ReadonlyMap<string, unknown>, ByName<unknown>>();

function named<Entry extends { readonly namespaceUid: string; readonly name: string }>(
  entries: ReadonlyMap<string, Entry>,
): ByName<Entry> {
  const known = indexes.get(entries);
  if (known !== undefined) return known as ByName<Entry>;
  const made = new Map<string, Map<string, Entry>>();
  for (const entry of entries.values()) {
    let own = made.get(entry.namespaceUid);
    if (own === undefined) made.set(entry.namespaceUid, (own = new Map<string, Entry>()));
    if (!own.has(entry.name)) own.set(entry.name, entry);
  }
  indexes.set(entries, made);
  return made;
}
