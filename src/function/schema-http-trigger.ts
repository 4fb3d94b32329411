/** The schema of HTTP triggers: where they are mounted, who may call, what is charged. */
import { callback, concurrency, debounce, dedup, duration, expression, hostName, notTogether } from './schema-parts.ts';
import { receiverSchema, type ReceiverSchemas } from './schema-receivers.ts';
import {
  exactlyOne,
  flag,
  integer,
  isSet,
  list,
  object,
  oneOf,
  set,
  text,
  type Rule,
  type SchemaNode,
} from './schema-node.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const path = (description: string): SchemaNode =>
  text(description, 512, {
    minLength: 1,
    pattern: '^[^?#\\s\\\\]+$',
    expected: 'a path without query, blanks or backslashes, such as deploy or items/:id',
  });

const methodSet = (description: string): SchemaNode =>
  set(description, oneOf('An HTTP method, in upper case.', methods), methods.length, { minItems: 1 });

function modeRule(field: string, refused: 'sync' | 'async', message: string): Rule {
  return {
    cel: `!(has(self.${field}) && has(self.mode) && self.mode == '${refused}')`,
    message,
    check: (self) => !(isSet(self, field) && self.mode === refused),
  };
}

const dedupNeedsStore: Rule = {
  cel: "!(has(self.dedup) && has(self.mode) && self.mode == 'sync' && !has(self.ackAfter))",
  message: 'dedup needs mode: async, or ackAfter: a synchronous call keeps no record of ids',
  check: (self) => !(isSet(self, 'dedup') && self.mode === 'sync' && !isSet(self, 'ackAfter')),
};

/** `http` of a trigger with the receivers the installation knows. */
export function httpTriggerSchema(receivers: ReceiverSchemas): SchemaNode {
  return object(
    'Fires on HTTP requests of a verified sender.',
    {
      path: path(
        'Where it is mounted: relative below /{namespace}/, absolute where the installation grants it. Segments are literals, :name, or a final *.',
      ),
      host: hostName('Answers on this host only; the installation must grant it to the namespace.'),
      methods: methodSet('Methods it accepts; all by default.'),
      routes: list(
        'Several mounts of one trigger, instead of path.',
        object(
          'One mount.',
          {
            path: path('Where it is mounted, as path of the trigger.'),
            host: hostName('Answers on this host only.'),
            methods: methodSet('Methods this mount accepts; all by default.'),
          },
          { required: ['path'] },
        ),
        32,
        { minItems: 1 },
      ),
      receiver: receiverSchema(receivers),
      mode: oneOf(
        "How it answers. sync: runs the function and answers with its result. async: verifies, stores, answers 202 and runs it after. Default: the receiver's.",
        ['sync', 'async'],
      ),
      ackAfter: duration(
        'Sync: if the handler has not answered by then, the event is stored, the sender gets its acknowledgement, the call runs on.',
      ),
      publish: flag('Also appends the verified event for event triggers and subscriptions of this namespace.'),
      cors: object(
        'Answers browsers of other origins.',
        {
          origins: list(
            'Origins that may call, or "*".',
            text('An origin such as https://app.example.com, or *.', 253, {
              minLength: 1,
              pattern: '^(\\*|https?://[^/\\s,]+)$',
              expected: 'an origin such as https://app.example.com, or "*"',
            }),
            32,
            { minItems: 1 },
          ),
          methods: methodSet('Methods a browser may use; those of the route by default.'),
          headers: list(
            'Request headers a browser may send.',
            text('A header name.', 128, {
              minLength: 1,
              pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
              expected: 'a header name',
            }),
            64,
          ),
          credentials: flag('Lets browsers send cookies and authentication; not together with the origin "*".'),
          maxAge: duration('How long a browser may remember the answer to its preflight request.', false),
        },
        {
          required: ['origins'],
          rules: [
            {
              cel: "!(has(self.credentials) && self.credentials && '*' in self.origins)",
              message: 'credentials: true needs named origins; browsers refuse it together with "*"',
              check: (self) =>
                !(self.credentials === true && Array.isArray(self.origins) && self.origins.includes('*')),
            },
          ],
        },
      ),
      rate: object(
        'Requests in a time, charged after verification.',
        {
          requests: integer('How many requests.', 1, 1_000_000),
          per: duration('In which time.'),
          key: expression(
            'Lua expression over the event; each value has its own rate, nil is not limited. Absent: one for all.',
          ),
        },
        { required: ['requests', 'per'] },
      ),
      dedup: dedup('Recognises repetitions of a delivery; needs mode: async or ackAfter.'),
      concurrency: concurrency('Calls of this trigger at once.'),
      debounce: debounce('Waits for silence and runs once with the last event; needs mode: async.'),
      callback: callback('Where a caller may have the result of an asynchronous call sent (X-Callback-Url).'),
    },
    {
      required: ['receiver'],
      rules: [
        exactlyOne(['path', 'routes'], 'set exactly one of path and routes'),
        notTogether('routes', 'methods', 'methods belong to each of routes when routes is set'),
        notTogether('routes', 'host', 'host belongs to each of routes when routes is set'),
        modeRule('ackAfter', 'async', 'ackAfter is for mode: sync; an asynchronous trigger acknowledges at once'),
        modeRule('debounce', 'sync', 'debounce needs mode: async; a synchronous caller waits for its answer'),
        dedupNeedsStore,
      ],
    },
  );
}
