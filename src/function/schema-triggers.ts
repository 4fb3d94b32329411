/** The schema of a function's triggers. */
import { httpTriggerSchema } from './schema-http-trigger.ts';
import {
  concurrency,
  debounce,
  dedup,
  duration,
  expression,
  labelPattern,
  labelSelector,
  limits,
  retry,
} from './schema-parts.ts';
import type { ReceiverSchemas } from './schema-receivers.ts';
import { exactlyOne, isSet, object, oneOf, set, text, type SchemaNode } from './schema-node.ts';

/** Kinds of triggers, in the order the documentation lists them. */
export const triggerKinds = ['http', 'kubernetes', 'schedule', 'event'] as const;

const kubernetes: SchemaNode = object(
  'Fires on changes of Kubernetes objects, read as serviceAccountName.',
  {
    apiVersion: text('Group and version of the objects, such as v1 or apps/v1.', 317, {
      minLength: 1,
      pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+((alpha|beta)[0-9]+)?$',
      expected: 'an apiVersion such as v1 or apps/v1',
    }),
    kind: text('Kind of the objects, such as Pod.', 63, {
      minLength: 1,
      pattern: '^[A-Z][A-Za-z0-9]*$',
      expected: 'a kind such as Pod (not a plural)',
    }),
    namespaces: object(
      'Which namespaces; the own one by default. Forbidden for cluster-scoped kinds.',
      {
        from: oneOf('Same: the own one; All; Names: those listed; Selector: those whose labels match.', [
          'Same',
          'All',
          'Names',
          'Selector',
        ]),
        names: set(
          'Names of namespaces, with from: Names.',
          text('A namespace.', 63, { minLength: 1, pattern: labelPattern, expected: 'the name of a namespace' }),
          64,
          { minItems: 1 },
        ),
        selector: labelSelector('Labels of namespaces, with from: Selector.'),
      },
      {
        required: ['from'],
        rules: [
          {
            cel: "(self.from == 'Names') == has(self.names)",
            message: 'names is set exactly if from is Names',
            check: (self) => (self.from === 'Names') === isSet(self, 'names'),
          },
          {
            cel: "(self.from == 'Selector') == has(self.selector)",
            message: 'selector is set exactly if from is Selector',
            check: (self) => (self.from === 'Selector') === isSet(self, 'selector'),
          },
        ],
      },
    ),
    labelSelector: labelSelector('Labels of the objects.'),
    fieldSelector: text('Fields of the objects the API server can select by, such as metadata.name=web.', 512, {
      minLength: 1,
    }),
    events: set(
      'Which changes; Added, Modified and Deleted by default. Left: the object left the selector but lives.',
      oneOf('A change.', ['Added', 'Modified', 'Deleted', 'Left']),
      4,
      { minItems: 1 },
    ),
    changed: expression(
      'Lua expression over object; Modified fires only if its value differs from the last delivered one.',
    ),
    initial: oneOf(
      'What happens with objects that are there when the trigger starts: Skip (default), or Each is an Added event.',
      ['Skip', 'Each'],
    ),
    debounce: object(
      'Waits for silence of an object and runs once with its last state.',
      {
        wait: duration('How long the object must be silent before the trigger fires for it.'),
        maxWait: duration('Fires at the latest after this, silence or not.'),
      },
      { required: ['wait'] },
    ),
  },
  { required: ['apiVersion', 'kind'] },
);

const schedule: SchemaNode = object(
  'Fires at times.',
  {
    cron: text('Five fields (minute hour day month weekday), or @hourly, @daily, @weekly, @monthly, @yearly.', 128, {
      minLength: 1,
    }),
    timeZone: text('IANA time zone of cron, such as Europe/Berlin; UTC by default.', 64, {
      minLength: 1,
      pattern: '^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$',
      expected: 'an IANA time zone such as Europe/Berlin',
    }),
    missed: oneOf('After a pause: RunOnce (default) makes up for all missed times with one call, Skip for none.', [
      'RunOnce',
      'Skip',
    ]),
    concurrencyPolicy: oneOf(
      'When the last call still runs: Forbid (default) waits for it, Allow runs both, Replace ends it.',
      ['Forbid', 'Allow', 'Replace'],
    ),
    data: {
      type: 'object',
      description: 'Passed to the function in event.data, beside scheduledTime.',
      'x-kubernetes-preserve-unknown-fields': true,
      maxProperties: 64,
    },
  },
  { required: ['cron'] },
);

const event: SchemaNode = object(
  "Fires on published events of the function's own namespace.",
  {
    type: text('Type of the event; a final * stands for one or more parts: com.acme.order.*', 253, {
      minLength: 1,
      pattern: '^([^.*\\s]+\\.)*([^.*\\s]+|\\*)$',
      expected: 'an event type such as com.acme.order.created, or com.acme.order.*',
    }),
    source: text('Source of the event, exactly.', 1024, { minLength: 1 }),
    dedup: dedup('Recognises repetitions of an event.'),
    concurrency: concurrency('Calls of this trigger at once.'),
    debounce: debounce('Waits for silence and runs once with the last event.'),
  },
  { required: ['type'] },
);

/** One trigger with the receivers the installation knows. */
export function triggerSchema(receivers: ReceiverSchemas): SchemaNode {
  return object(
    'What makes the function run; exactly one of http, kubernetes, schedule and event.',
    {
      name: text('Name of the trigger, and of its handler (with _ for -).', 63, {
        minLength: 1,
        pattern: labelPattern,
        expected: 'a name of lower case letters, digits and -',
      }),
      filter: expression(
        'Lua expression over the event; false or nil: the event is counted as filtered and the function does not run.',
      ),
      limits: limits('Limits of calls of this trigger, where they differ from the function.'),
      retry: retry('Retries of this trigger, where they differ from the function.'),
      http: httpTriggerSchema(receivers),
      kubernetes,
      schedule,
      event,
    },
    {
      required: ['name'],
      rules: [exactlyOne(triggerKinds, 'set exactly one of http, kubernetes, schedule and event')],
    },
  );
}
