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
  /** Its own fields, each with one sentence. */
  readonly fields: Readonly<Record<string, string>>;
  readonly subresources?: readonly SubresourceEntry[];
}

export interface SubresourceEntry {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly Verb[];
}

const deliveryFields = {
  event: 'Id and type of the event.',
  to: 'The function and trigger, or the subscription, that it goes to.',
  state: 'Where it stands: waiting, held, leased, done, dead, filtered, cancelled or superseded.',
  generation: '0, or the number of the replay that made it.',
  attempts: 'How often it was tried.',
  due: 'When it is tried, if it waits.',
  ended: 'When it reached its last state.',
  reason: 'Why it is dead.',
  error: 'What the last attempt that failed ended with.',
  waitsFor: 'Why it does not run although it waits.',
};

/** In the order that discovery lists them. */
export const resourceCatalogue: readonly ResourceEntry[] = [
  {
    name: 'calls',
    singular: 'call',
    kind: 'Call',
    namespaced: true,
    verbs: ['get', 'list', 'watch'],
    description: 'A request or event that reached a function or subscription, how it was judged and how it ended.',
    fields: {
      outcome: 'How it ended.',
      via: 'How it came: http, call, event, schedule, later, webhook or callback.',
      functionName: 'The function that took it.',
      subscription: 'The subscription that sent it.',
      trigger: 'The trigger that took it.',
      durationMs: 'How long it took.',
      steps: 'How it was matched and verified, step by step.',
      error: 'What it ended with; the traceback is part of the logs.',
      request: 'Method, path and address it came from; never its query.',
    },
  },
  {
    name: 'deadletters',
    singular: 'deadletter',
    kind: 'DeadLetter',
    namespaced: true,
    verbs: ['get', 'list', 'watch', 'delete'],
    shortNames: ['dl'],
    description: 'A delivery that failed for good and that no replay has followed. Deleting one discards it.',
    fields: deliveryFields,
  },
  {
    name: 'deliveries',
    singular: 'delivery',
    kind: 'Delivery',
    namespaced: true,
    verbs: ['get', 'list', 'watch', 'delete'],
    shortNames: ['dlv'],
    description: 'An event on its way to one function or subscription, and how it ended. Deleting one cancels it.',
    fields: deliveryFields,
  },
  {
    name: 'events',
    singular: 'event',
    kind: 'Event',
    namespaced: true,
    verbs: ['create'],
    description: "An event for the namespace's bus (CloudEvents 1.0).",
    fields: {
      type: 'CloudEvents type.',
      source: 'CloudEvents source.',
      id: 'CloudEvents id: the same source and id are the same event.',
      data: 'What it says, as JSON.',
    },
  },
  {
    name: 'functions',
    singular: 'function',
    kind: 'Function',
    namespaced: true,
    verbs: ['get', 'list'],
    description: 'How a WebhookFunction stands in the runtimes, and what is in force of it.',
    fields: {
      ready: 'Whether it serves: True, False or Unknown.',
      reason: 'Of that, a stable word.',
      message: 'What to do.',
      programmed: 'Runtimes that serve this revision, of all.',
      revision: 'Hash of everything it is made of.',
      triggers: 'Name, kind and next time of each trigger.',
      conditions: 'As in the status of the WebhookFunction.',
      effective: 'What is in force, defaults and ceilings applied, secrets masked.',
    },
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
    fields: {
      function: 'The function that it belongs to.',
      trigger: 'The trigger that it belongs to.',
      host: 'Of its requests.',
      path: 'Of its requests.',
      methods: 'That it takes; none: all.',
      url: 'Where senders find it.',
      receiver: 'What proves its senders.',
      mode: 'sync or async.',
    },
  },
  {
    name: 'runtimes',
    singular: 'runtime',
    kind: 'Runtime',
    namespaced: false,
    verbs: ['get', 'list'],
    description: 'A runtime that has a link to the controller, and how much of the table it serves.',
    fields: {
      group: 'Whose store it shares.',
      linked: 'Whether it has a link to this controller.',
      ready: 'Whether it has the whole table.',
      functions: 'Functions and subscriptions that it serves.',
    },
  },
  {
    name: 'subscriptions',
    singular: 'subscription',
    kind: 'Subscription',
    namespaced: true,
    verbs: ['get', 'list'],
    description: 'How a WebhookSubscription stands, and how its receiver does.',
    fields: {
      ready: 'Whether it sends: True, False or Unknown.',
      reason: 'Of that, a stable word.',
      events: 'Types that it wants.',
      url: 'Where it sends to; absent: the URL stands in a Secret.',
      health: 'How its receiver does.',
      breaker: 'Whether its host is left alone: Closed, Open or HalfOpen.',
    },
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
