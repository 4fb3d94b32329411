/** The WebhookSubscription schema, the one source of its CRD and of the checks of files. */
import {
  duration,
  expression,
  keyReference,
  labelPattern,
  retry,
  secretReferences,
  valueOrSource,
} from './schema-parts.ts';
import {
  exactlyOne,
  flag,
  integer,
  list,
  listMap,
  object,
  oneOf,
  set,
  text,
  type Rule,
  type SchemaNode,
} from './schema-node.ts';
import { documentSchema } from './schema-document.ts';
import { conditionsSchema, pendingStatus, runtimeGroupSchema } from './schema-status.ts';
import { outgoingFormats } from './subscription-types.ts';

const specRules: readonly Rule[] = [
  exactlyOne(['url', 'urlFrom'], 'set exactly one of url and urlFrom'),
  {
    cel: 'has(self.class) == has(oldSelf.class) && (!has(self.class) || self.class == oldSelf.class)',
    message: 'class is immutable: delete the subscription and create it anew',
    check: (self, before) => before === undefined || self.class === before.class,
  },
  {
    cel: "!has(self.handshake) || (has(self.format) && self.format == 'cloudEvents')",
    message: 'handshake needs format: cloudEvents',
    check: (self) => self.handshake === undefined || self.format === 'cloudEvents',
  },
];

const spec = object(
  'Which events of the namespace are sent, where to, and how.',
  {
    class: text('Which installation serves it; default: the one without a class. Immutable.', 63, {
      minLength: 1,
      pattern: labelPattern,
      expected: 'a name of lower case letters, digits and -',
    }),
    suspend: flag('Sends nothing; events wait until it is removed.'),
    url: text('Where to: an absolute http or https URL. A URL that is a secret itself comes from urlFrom.', 2048, {
      minLength: 1,
      pattern: '^https?://[^\\s/?#@]+([/?#][^\\s]*)?$',
      expected: 'an absolute http or https URL without user name',
    }),
    urlFrom: object(
      'Where to, from a Secret: the URL is shown nowhere.',
      { secretKeyRef: keyReference('A key of a Secret labelled moonhook.dev/functions: "true".', 'Secret') },
      { required: ['secretKeyRef'] },
    ),
    events: set(
      'Types of events: com.acme.order.created, everything below one as com.acme.order.*, or * for all.',
      text('A type or pattern.', 253, {
        minLength: 1,
        pattern: '^(\\*|[^\\s.*]+(\\.[^\\s.*]+)*(\\.\\*)?)$',
        expected: 'an event type such as com.acme.order.created, com.acme.order.* or *',
      }),
      64,
      { minItems: 1 },
    ),
    channels: set(
      'Only events published to one of these channels. Absent: all events, whatever their channel.',
      text('A channel.', 256, { minLength: 1 }),
      32,
      { minItems: 1 },
    ),
    filter: expression('Lua over the event: false or nil does not send it. Runs when it is sent; no I/O, 10 ms.'),
    transform: text(
      'Lua over the event that returns the body (text as it is, a table as JSON) and a table of further headers; nil sends nothing. With format cloudEvents the body becomes the data.',
      16_384,
      { minLength: 1 },
    ),
    secretRefs: secretReferences(
      'Secrets that sign: each gives a signature, so that one can be rotated; at least 16 bytes.',
    ),
    format: oneOf('Shape of the request; standardWebhooks by default.', outgoingFormats),
    headers: listMap(
      'Further headers.',
      object(
        'One header.',
        {
          name: text('Name of the header.', 128, {
            minLength: 1,
            pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
            expected: 'a header name',
          }),
          value: text('The value as it is.', 4096),
          valueFrom: object(
            'Where the value stands.',
            {
              secretKeyRef: keyReference('A key of a Secret labelled moonhook.dev/functions: "true".', 'Secret'),
              configMapKeyRef: keyReference('A key of a ConfigMap.', 'ConfigMap'),
            },
            {
              rules: [
                exactlyOne(['secretKeyRef', 'configMapKeyRef'], 'set exactly one of secretKeyRef and configMapKeyRef'),
              ],
            },
          ),
        },
        { required: ['name'], rules: [valueOrSource] },
      ),
      32,
      'name',
    ),
    retry: retry('Waits between attempts; 5s 5m 30m 2h 5h 10h 14h 20h 24h by default.'),
    timeout: duration('For a whole attempt; 15s by default, at most 1m.'),
    rate: object(
      'Requests at most, in each pod; further ones wait.',
      { requests: integer('Requests in each period.', 1, 1_000_000), per: duration('The period.') },
      { required: ['requests', 'per'] },
    ),
    concurrency: integer('Requests at once, over all pods that share a store; 10 by default.', 1, 1000),
    handshake: object(
      'Asks the receiver with OPTIONS before the first event, and every hour, whether events may be sent and how often, as CloudEvents web hooks do; nothing is sent until it agrees.',
      {
        origin: text('The DNS name that stands for this sender: events.example.com.', 253, {
          minLength: 1,
          pattern: '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$',
          expected: 'a DNS name such as events.example.com',
        }),
      },
      { required: ['origin'] },
    ),
    ordered: object('One after the other, in the order of publishing; a failing one holds back the rest of its key.', {
      key: expression(
        'Lua expression over the event; each value has its own order, nil has none. Absent: one order for all.',
      ),
    }),
  },
  { required: ['events', 'secretRefs'], rules: specRules },
);

const moment = (description: string): SchemaNode => text(description, 64, { format: 'date-time' });

const status = object(
  'What the installation says about the subscription.',
  {
    observedGeneration: {
      type: 'integer',
      format: 'int64',
      description: 'Generation of the spec that the conditions speak of.',
      minimum: 0,
    },
    revision: text('Hash of spec, secret versions and effective policy: what the conditions speak of.', 128),
    conditions: conditionsSchema(
      'What is known about this revision: Accepted, ResolvedRefs, Programmed, Ready, Healthy, and Stranded when events wait in another runtime group.',
    ),
    programmed: text('Runtimes that have this revision, of all, at the last verdict: 3/3.', 32),
    runtimeGroup: runtimeGroupSchema,
    lastSuccess: moment('When the receiver last took an event.'),
    lastFailure: moment('When an attempt last failed.'),
    breaker: text('Closed, Open or HalfOpen: whether the host is left alone after too many failures.', 16),
    warnings: list('What works but should be changed.', text('One sentence.', 1024), 32),
  },
  { default: pendingStatus },
);

/** The whole document, as the CRD holds it under `openAPIV3Schema`. */
export const subscriptionSchema: SchemaNode = documentSchema(
  'WebhookSubscription',
  'Sends events of a namespace to a URL, signed and tried again.',
  spec,
  status,
);
