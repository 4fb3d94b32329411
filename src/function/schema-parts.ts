/** Pieces of the schema that many fields use: references, durations, sizes, names, selectors. */
import { durationMaxLength, durationPattern, positiveDurationPattern } from './duration.ts';
import { quantityMaxLength, quantityPattern } from './quantity.ts';
import { exactlyOne, isSet, list, object, oneOf, text, type Rule, type SchemaNode } from './schema-node.ts';

/** DNS label (RFC 1123): names of triggers and namespaces. */
export const labelPattern = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';

/** DNS subdomain: names of Secrets, ConfigMaps, ServiceAccounts. */
const subdomainPattern = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$';

/** Longest filter or expression, in characters. */
export const expressionMaxLength = 4096;

/** A duration; `positive` refuses zero. */
export function duration(description: string, positive = true): SchemaNode {
  return text(description, durationMaxLength, {
    pattern: positive ? positiveDurationPattern : durationPattern,
    expected: positive
      ? 'a duration such as 500ms, 10s, 5m, 1h or 7d, not zero'
      : 'a duration such as 500ms, 10s or 5m',
  });
}

/** A size in bytes: a whole number or a Kubernetes quantity. */
export function quantity(description: string): SchemaNode {
  return {
    description,
    'x-kubernetes-int-or-string': true,
    minimum: 1,
    maxLength: quantityMaxLength,
    pattern: quantityPattern,
    expected: 'a size such as 16Mi, 64Ki or 1048576',
  };
}

/** Lua source of a filter or expression. */
export function expression(description: string): SchemaNode {
  return text(description, expressionMaxLength, { minLength: 1 });
}

export function objectName(description: string): SchemaNode {
  return text(description, 253, {
    minLength: 1,
    pattern: subdomainPattern,
    expected: 'a Kubernetes name: lower case letters, digits, - and .',
  });
}

function dataKey(description: string): SchemaNode {
  return text(description, 253, {
    minLength: 1,
    pattern: '^[-._a-zA-Z0-9]+$',
    expected: 'a key: letters, digits, -, _ and .',
  });
}

/** `name` and `key` of a Secret or ConfigMap of the function's own namespace. */
export function keyReference(description: string, kind: 'Secret' | 'ConfigMap'): SchemaNode {
  return object(
    description,
    {
      name: objectName(`Name of the ${kind}, in the function's own namespace.`),
      key: dataKey(`Key inside the ${kind}'s data.`),
    },
    { required: ['name', 'key'], 'x-kubernetes-map-type': 'atomic' },
  );
}

export function nameReference(description: string, kind: 'Secret' | 'ConfigMap'): SchemaNode {
  return object(
    description,
    { name: objectName(`Name of the ${kind}, in the function's own namespace.`) },
    { required: ['name'], 'x-kubernetes-map-type': 'atomic' },
  );
}

/** Secrets of a receiver or a callback: the first signs, all verify, so that one can be rotated. */
export function secretReferences(description: string, minItems = 1): SchemaNode {
  return list(description, keyReference('One key of one Secret.', 'Secret'), 8, { minItems });
}

const hostPattern = '^(\\*\\.)?[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$';

/** A host of a route: exact, or everything below a domain. */
export function hostName(description: string): SchemaNode {
  return text(description, 253, {
    minLength: 1,
    pattern: hostPattern,
    expected: 'a lower case host name without scheme, port or path, such as hooks.example.com or *.example.com',
  });
}

/** A target of outgoing requests: a host, everything below a domain, an address or a range. */
export function egressTarget(description: string): SchemaNode {
  return text(description, 253, {
    minLength: 1,
    pattern:
      '^((\\*\\.)?[a-zA-Z0-9_]([-a-zA-Z0-9_]*[a-zA-Z0-9_])?(\\.[a-zA-Z0-9_]([-a-zA-Z0-9_]*[a-zA-Z0-9_])?)*|[0-9a-fA-F.:]+(/[0-9]{1,3})?)$',
    expected: 'a host without scheme, port or path, such as hooks.slack.com or *.example.com, or an address or range',
  });
}

const selectorOperators: Rule = {
  cel: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
  message: 'In and NotIn need values; Exists and DoesNotExist take none',
  check: (self) => {
    const count = Array.isArray(self.values) ? self.values.length : 0;
    return self.operator === 'In' || self.operator === 'NotIn' ? count > 0 : count === 0;
  },
};

const labelValue = (description: string): SchemaNode =>
  text(description, 63, {
    pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$',
    expected: 'a label value: at most 63 letters, digits, -, _ and .',
  });

/** A label selector as Kubernetes has it. */
export function labelSelector(description: string): SchemaNode {
  return object(
    description,
    {
      matchLabels: {
        type: 'object',
        description: 'Labels that must be there with exactly these values.',
        additionalProperties: labelValue('Value of the label.'),
        maxProperties: 32,
      },
      matchExpressions: list(
        'Further conditions; all must hold.',
        object(
          'One condition on one label.',
          {
            key: text('Name of the label.', 317, {
              minLength: 1,
              pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$',
              expected: 'a label key such as app or example.com/team',
            }),
            operator: oneOf('How the label relates to the values.', ['In', 'NotIn', 'Exists', 'DoesNotExist']),
            values: list('Values for In and NotIn.', labelValue('One value.'), 32),
          },
          { required: ['key', 'operator'], rules: [selectorOperators] },
        ),
        16,
      ),
    },
    { 'x-kubernetes-map-type': 'atomic' },
  );
}

/** Waits for silence before a trigger fires. */
export function debounce(description: string): SchemaNode {
  return object(
    description,
    {
      key: expression('Lua expression over the event; events with the same value are merged. Absent: all of them.'),
      wait: duration('How long it must be silent, in all pods, before the trigger fires.'),
      maxWait: duration(
        'Fires at the latest after this, silence or not. Each pod counts from the first event of the key that it took itself, and anew after a restart.',
      ),
    },
    { required: ['wait'] },
  );
}

/** Recognises repetitions of an event. */
export function dedup(description: string): SchemaNode {
  return object(description, {
    key: expression("Lua expression over the event that tells repetitions apart. Absent: the sender's delivery id."),
    window: duration('How long a key is remembered; 72h by default, at most 8d.'),
  });
}

/** Calls at once per key. */
export function concurrency(description: string): SchemaNode {
  return object(
    description,
    {
      key: expression('Lua expression over the event; each value has its own limit, nil is not limited.'),
      limit: {
        type: 'integer',
        description:
          'Calls at once per key. Of asynchronous calls without a key: over all pods that share a store. With a key, and of synchronous calls: in each pod.',
        minimum: 1,
        maximum: 10_000,
      },
    },
    { required: ['limit'] },
  );
}

export function callback(description: string): SchemaNode {
  return object(
    description,
    {
      secretRefs: secretReferences(
        'Secrets that sign (Standard Webhooks): each gives a signature, so that one can be rotated.',
      ),
      urls: list(
        'Hosts that a caller may name, without scheme, port and path.',
        egressTarget('A host such as example.com, or *.example.com.'),
        32,
        {
          minItems: 1,
        },
      ),
    },
    { required: ['secretRefs', 'urls'] },
  );
}

/** What holds where a function says nothing, for people who read the reference. */
const limitsInWords = {
  timeout: '10s',
  cpuTime: '1s',
  memory: '16Mi',
  concurrency: '100',
  requestBody: '1Mi',
  responseBody: '4Mi',
  log: '64Ki',
  hostCalls: '100',
};
type LimitsInWords = Readonly<Record<keyof typeof limitsInWords, string>>;

/** Limits of a call; `defaults` are told in the descriptions. */
export function limits(description: string, defaults: LimitsInWords = limitsInWords): SchemaNode {
  return object(description, {
    timeout: duration(`Wall time of a call, waiting included; ${defaults.timeout} by default.`),
    cpuTime: duration(`CPU time of a call; ${defaults.cpuTime} by default.`),
    memory: quantity(`Memory of a call, what the host holds for it included; ${defaults.memory} by default.`),
    concurrency: {
      type: 'integer',
      description: `Calls at once in each pod; ${defaults.concurrency} by default.`,
      minimum: 1,
      maximum: 10_000,
    },
    requestBody: quantity(`Largest request body; ${defaults.requestBody} by default.`),
    responseBody: quantity(`Largest response body; ${defaults.responseBody} by default.`),
    log: quantity(`Bytes of log a call may write; ${defaults.log} by default.`),
    hostCalls: {
      type: 'integer',
      description: `Host calls (http, kv, sleep and so on) of a call; ${defaults.hostCalls} by default.`,
      minimum: 0,
      maximum: 100_000,
    },
  });
}

/** Waits between attempts of an asynchronous call. */
export function retry(description: string): SchemaNode {
  return object(description, {
    schedule: list(
      'Wait before each further attempt; attempts are one more than entries, an empty list means one attempt.',
      duration('Wait before the next attempt.', false),
      20,
    ),
  });
}

/** `minimum <= maximum` of two durations cannot be said in CEL over our units; presence can. */
export const valueOrSource: Rule = exactlyOne(['value', 'valueFrom'], 'set exactly one of value and valueFrom');

/** A rule that one field is not set together with another. */
export function notTogether(first: string, second: string, message: string): Rule {
  return {
    cel: `!(has(self.${first}) && has(self.${second}))`,
    message,
    check: (self) => !(isSet(self, first) && isSet(self, second)),
  };
}
