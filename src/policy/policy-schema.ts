/** The schema of the installation's policy file: the one the chart mounts and `--policy` names. */
import { flag, integer, list, object, oneOf, set, text, type SchemaNode } from '../function/schema-node.ts';
import { duration, labelPattern, limits, quantity, retry } from '../function/schema-parts.ts';

const hostPattern = '^(\\*|(\\*\\.)?[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*)$';

const namespace = text('A namespace.', 63, {
  minLength: 1,
  pattern: labelPattern,
  expected: 'the name of a namespace',
});

const hosts = list(
  'Who may mount routes where, in order of preference: a relative path is mounted by the first entry that covers its namespace. Default: any host, each namespace below its own name.',
  object(
    'One host.',
    {
      host: text(
        'The host, in lower case and without port; *.example.com for all below a domain; * for every host that no other entry names.',
        253,
        {
          minLength: 1,
          pattern: hostPattern,
          expected:
            'a lower case host name without scheme, port or path, such as hooks.example.com, *.example.com or *',
        },
      ),
      publicUrl: text(
        'How the world reaches it: URLs in status, and what URL-signing senders are verified against. Default: https:// and the host.',
        300,
        {
          minLength: 1,
          pattern: '^https?://[^/\\s?#@]+$',
          expected: 'a URL of scheme, host and port only, such as https://hooks.example.com',
        },
      ),
      namespaces: set(
        'Namespaces that may use it; "*" alone for all.',
        text('A namespace, or *.', 63, {
          minLength: 1,
          pattern: `^\\*$|${labelPattern}`,
          expected: 'the name of a namespace, or *',
        }),
        1000,
        { minItems: 1 },
      ),
      mount: oneOf('Where their routes begin: below the namespace, or anywhere (absolute paths).', [
        '/{namespace}',
        '/',
      ]),
    },
    { required: ['host', 'namespaces', 'mount'] },
  ),
  1000,
  { minItems: 1 },
);

const entry = text('A host, *.example.com, an address or a range, each with an optional :port.', 260, { minLength: 1 });

const egressFields = (): Readonly<Record<string, SchemaNode>> => ({
  allow: list('Targets functions may reach at most; absent: every globally reachable address.', entry, 1000),
  grants: list(
    'Targets that are not globally reachable and yet opened: hosts, addresses or ranges of the own network.',
    entry,
    1000,
  ),
  deny: list('Addresses and ranges that nobody reaches: the database, nodes, the API server.', entry, 1000),
  clusterServices: oneOf('Own: functions reach the Services of their own namespace. None by default.', ['None', 'Own']),
});

const byNamespace = (description: string, fields: Readonly<Record<string, SchemaNode>>): SchemaNode => ({
  type: 'object',
  description,
  additionalProperties: object(
    'For one namespace, field by field in place of what holds for all (deny: besides it).',
    fields,
  ),
  maxProperties: 10_000,
});

const quotaFields = (): Readonly<Record<string, SchemaNode>> => ({
  functions: integer('WebhookFunctions.', 0, 1_000_000),
  routes: integer('Routes of HTTP triggers.', 0, 1_000_000),
  watches: integer('Kubernetes triggers.', 0, 1_000_000),
  subscriptions: integer('WebhookSubscriptions.', 0, 1_000_000),
  waitingRows: integer('Deliveries of stored events that have not ended; 1000000 by default.', 0, 1_000_000_000),
  waitingBytes: quantity('Bytes of their events, an event counted once for each delivery; 2Gi by default.'),
  keyValueBytes: quantity('Bytes in the key-value store, names and rows included; 256Mi by default.'),
  parkedBytes: quantity(
    'In each pod: memory of calls that wait, for http, sleep and the like; above it, requests are answered 429 with Retry-After, and deliveries wait. 128Mi in each worker thread at most.',
  ),
  hostBytes: quantity(
    'In each pod: bytes held for calls outside Lua, such as answers of http and values on their way to the store; the call that would go above it ends as one over its memory. 256Mi in each worker thread at most.',
  ),
  cpuShare: {
    type: 'number',
    description:
      'In each worker thread: part of the CPU time of functions, while other namespaces want some; 0.25 is a quarter. A namespace that has had more in the last seconds waits behind the others; what nobody else wants it may have.',
    minimum: 0.01,
    maximum: 1,
  },
});

/** For people who read the reference: the ceilings of an installation that names none. */
const ceilingsInWords = {
  timeout: '5m',
  cpuTime: '1m',
  memory: '128Mi',
  concurrency: '1000',
  requestBody: '16Mi',
  responseBody: '16Mi',
  log: '1Mi',
  hostCalls: '1000',
};

/** The whole document. */
export const policySchema: SchemaNode = object('What the installation allows.', {
  class: text('Serves functions of this class only; absent: those without a class.', 63, {
    minLength: 1,
    pattern: labelPattern,
    expected: 'a name of lower case letters, digits and -',
  }),
  hosts,
  defaults: object('What holds where a function says nothing.', {
    limits: limits('Limits of calls.'),
    retry: retry('Waits between attempts of asynchronous calls.'),
  }),
  ceilings: object('What no function may exceed; above it is refused with PolicyDenied.', {
    limits: limits('Limits of calls.', ceilingsInWords),
    retryAttempts: integer('Attempts of an asynchronous call, the first included; 20 by default.', 1, 100),
    retryWait: duration('Longest wait between two attempts; 1d by default.'),
    ackAfter: duration('Longest ackAfter; 1m by default.'),
    dedupWindow: duration('Longest time a delivery id is remembered; 8d by default.'),
  }),
  egress: object('Where functions may send requests.', {
    ...egressFields(),
    namespaces: byNamespace('By namespace.', egressFields()),
  }),
  quotas: object('What one namespace may have; absent, and without a default: not limited.', {
    ...quotaFields(),
    namespaces: byNamespace('By namespace.', quotaFields()),
  }),
  retention: object('What the store keeps of deliveries that have ended. What has not ended is never trimmed.', {
    settled: duration('Done, filtered and superseded deliveries, with their events; 24h by default.'),
    failed: duration('Dead and cancelled deliveries, which can be replayed; 30d by default.'),
    endedBytes: quantity(
      'Ended deliveries of one namespace, an event counted with each; above, the oldest go, settled ones first; 1Gi by default.',
    ),
    deliveryIds: integer(
      'Delivery ids that are remembered against duplicates; above, the oldest of the trigger that has most go; 20000000 by default.',
      1000,
      1_000_000_000,
    ),
  }),
  trustedProxies: list(
    'Addresses and ranges of proxies whose X-Forwarded headers count.',
    text('An address or range.', 64, { minLength: 1 }),
    1000,
  ),
  runtimeGroups: list(
    'Namespaces with runtimes and a store of their own. A cluster only; whoever writes this runs the pods, too, as the chart does.',
    object(
      'One group.',
      {
        name: text('The group: part of the names of its ServiceAccount and Service.', 20, {
          minLength: 1,
          pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
          expected: 'lower case letters, digits and -, such as payments',
        }),
        namespaces: set('Its namespaces, each in one group at most.', namespace, 10_000),
      },
      { required: ['name', 'namespaces'] },
    ),
    100,
  ),
  runtimeMoves: list(
    'Namespaces that were in another group before: what waits in its store is still run there.',
    object(
      'One move.',
      {
        namespace,
        from: text('The group it was in; default where it was in none.', 20, {
          minLength: 1,
          pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
          expected: 'the name of a group, or default',
        }),
      },
      { required: ['namespace', 'from'] },
    ),
    10_000,
  ),
  allowWeakSecrets: flag('Accepts secrets shorter than their receiver demands. For tests; not for production.'),
});

/** Namespaces as keys of a map cannot be checked by a pattern of the schema. */
export const namespaceName = new RegExp(namespace.pattern ?? '');
