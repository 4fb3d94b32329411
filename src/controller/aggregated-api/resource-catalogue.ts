/** The resources of `run.moonhook.dev`: what discovery lists, what may be done with each, and the columns of its table. */
import type { Verb } from './read-path.ts';

export interface ResourceEntry {
  /** Plural, as in paths. */
  readonly name: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly shortNames?: readonly string[];
  /** One sentence, for `kubectl explain`. */
  readonly description: string;
  readonly subresources?: readonly SubresourceEntry[];
}

export interface SubresourceEntry {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly Verb[];
}

/** In the order that discovery lists them. */
export const resourceCatalogue: readonly ResourceEntry[] = [
  {
    name: 'calls',
    singular: 'call',
    kind: 'Call',
    namespaced: true,
    verbs: ['get', 'list', 'watch'],
    description: 'A request or event that reached a function or subscription, how it was judged and how it ended.',
  },
  {
    name: 'deadletters',
    singular: 'deadletter',
    kind: 'DeadLetter',
    namespaced: true,
    verbs: ['get', 'list'],
    shortNames: ['dl'],
    description: 'A delivery that failed for good and that no replay has followed.',
  },
  {
    name: 'deliveries',
    singular: 'delivery',
    kind: 'Delivery',
    namespaced: true,
    verbs: ['get', 'list', 'delete'],
    shortNames: ['dlv'],
    description: 'An event on its way to one function or subscription, and how it ended. Deleting one cancels it.',
  },
  {
    name: 'events',
    singular: 'event',
    kind: 'Event',
    namespaced: true,
    verbs: ['create'],
    description: "An event for the namespace's bus (CloudEvents 1.0).",
  },
  {
    name: 'functions',
    singular: 'function',
    kind: 'Function',
    namespaced: true,
    verbs: ['get', 'list'],
    description: 'How a WebhookFunction stands in the runtimes, and what is in force of it.',
    subresources: [
      { name: 'cancel', kind: 'Cancellation', verbs: ['create'] },
      { name: 'explain', kind: 'Explanation', verbs: ['get', 'create'] },
      { name: 'invoke', kind: 'Invocation', verbs: ['create'] },
      { name: 'kv', kind: 'KeyValue', verbs: ['get', 'update', 'delete'] },
      { name: 'logs', kind: 'CallList', verbs: ['get'] },
      { name: 'records', kind: 'CallList', verbs: ['get'] },
      { name: 'refresh', kind: 'Refreshment', verbs: ['create'] },
      { name: 'replay', kind: 'Replay', verbs: ['get', 'create'] },
    ],
  },
  {
    name: 'routes',
    singular: 'route',
    kind: 'Route',
    namespaced: true,
    verbs: ['get', 'list'],
    description: 'A path that a trigger answers, and whose senders it takes.',
  },
  {
    name: 'runtimes',
    singular: 'runtime',
    kind: 'Runtime',
    namespaced: false,
    verbs: ['get', 'list'],
    description: 'A runtime that has a link to the controller, and how much of the table it serves.',
  },
  {
    name: 'subscriptions',
    singular: 'subscription',
    kind: 'Subscription',
    namespaced: true,
    verbs: ['get', 'list'],
    description: 'How a WebhookSubscription stands, and how its receiver does.',
    subresources: [
      { name: 'cancel', kind: 'Cancellation', verbs: ['create'] },
      { name: 'ping', kind: 'Ping', verbs: ['create'] },
      { name: 'replay', kind: 'Replay', verbs: ['get', 'create'] },
    ],
  },
];

/** In the place of a name: of all functions or subscriptions of the namespace. No object can have it. */
export const anyName = '-';

export function findResource(name: string): ResourceEntry | undefined {
  return resourceCatalogue.find((entry) => entry.name === name);
}
