/** `events`: publishes events in the own namespace. */
import { holdUntilKept } from './hold-value.ts';
import { failed, readOptions, secondsToMs, textOption, waiting } from './define.ts';
import { hopLimit } from './call.ts';
import { budgetSpent, encodeData } from './later.ts';
import type { HostArguments } from '../lua/types.ts';
import { readExtraAttributes, type ExtraAttributes } from '../triggers/event-attributes.ts';
import type { HostModule } from './types.ts';

const longestDelaySeconds = 366 * 86_400;
const typePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9])?$/;

export const events: HostModule = {
  name: 'events',
  summary: 'Events of the own namespace, for event triggers and subscriptions there.',
  entries: [
    {
      name: 'events.publish',
      summary:
        'Publishes an event. Durable when it returns, if the installation has a store; an asynchronous call publishes when its own event is settled. The source is set by the host.',
      parameters: [
        { name: 'type', type: 'string', description: '`com.acme.order.created`; `dev.moonhook.*` belongs to the host' },
        { name: 'data', type: 'any', description: 'plain data' },
        {
          name: 'options',
          type: '{id?: string, subject?: string, channel?: string, attributes?: table<string, string|integer|boolean>, delay?: number}?',
          description:
            '`id` (an event of the same id is published once), `subject`, `channel` (narrows to subscriptions of that channel), `attributes` (further ones: names of lower-case letters and digits), `delay` in seconds',
        },
      ],
      returns: [
        { name: 'id', type: 'string?', description: "the event's id" },
        { name: 'err', type: 'moonhook.Error?', description: 'why not' },
      ],
      errors: [
        'answers `nil, err` if the chain of events is longer than 8, the events that descend from one are used up, or the quota of the namespace is',
        'raises for a bad type, option or data without JSON form',
      ],
      answersError: true,
      example: `return function(event)
  local id = assert(events.publish("com.acme.order.created", { total = 12 }, { subject = "order-42" }))
  log.info("published", { id = id })
end`,
      caps: 'data ≤ 1 MiB as JSON; one host call',
      implementation: waiting('events.publish', async (args, call) => {
        const type = args.text(1);
        if (!typePattern.test(type)) return args.fail(1, 'a type of letters, digits, ".", "-" and "_" expected');
        if (type === 'dev.moonhook' || type.startsWith('dev.moonhook.'))
          return args.fail(1, 'dev.moonhook.* belongs to the host');
        const data = encodeData(args, 2);
        const options = readOptions(args, 3, ['id', 'subject', 'channel', 'attributes', 'delay']);
        const words = ['id', 'subject', 'channel'].map((name) => {
          const text = textOption(args, 3, options, name);
          if (text !== undefined && (text === '' || text.length > 256))
            args.fail(3, `${name} must have 1 to 256 characters`);
          if (text !== undefined && /[\u0000-\u001f\u007f-\u009f]/.test(text))
            args.fail(3, `${name} holds a control character`);
          return text === undefined ? {} : { [name]: text };
        });
        const extra = readAttributes(args, options.get('attributes'));
        const delay = options.get('delay');
        const delayMs = delay === undefined ? undefined : secondsToMs(args, 3, 'delay', delay, longestDelaySeconds);
        const { context } = call;
        if (context.hops >= hopLimit)
          return failed(`events.publish: more than ${hopLimit} events and calls in a chain`);
        const budget = context.budgetOf(call.signal).child();
        if (budget === undefined) return failed(`events.publish: ${budgetSpent}`);
        call.note?.(type);
        const event = {
          namespaceUid: call.namespaceUid,
          namespace: call.namespace,
          callId: call.callId,
          type,
          source: `/${call.namespace}/${call.functionName}`,
          data,
          hops: context.hops + 1,
          budget,
          ...Object.assign({}, ...words),
          ...(extra === undefined ? {} : { extra }),
          ...(delayMs === undefined ? {} : { delayMs }),
          ...(context.traceparent === undefined ? {} : { traceparent: context.traceparent }),
        };
        const id = await holdUntilKept(call, data, () => context.events.publish(event));
        // `explain` of it goes on with the story.
        call.note?.(`${type} as ${id}`);
        return id;
      }),
    },
  ],
};

const ownWords: ReadonlySet<string> = new Set(['id', 'subject', 'type', 'source', 'time', 'data']);

function readAttributes(args: HostArguments, given: unknown): ExtraAttributes | undefined {
  if (given === undefined || (Array.isArray(given) && given.length === 0)) return undefined;
  if (!(given instanceof Map)) return args.fail(3, 'attributes must be a table of names and values');
  const fields: [string, unknown][] = [];
  for (const [name, value] of given as ReadonlyMap<unknown, unknown>) {
    if (typeof name !== 'string') return args.fail(3, 'attributes must be a table of names and values');
    if (ownWords.has(name)) return args.fail(3, `attribute "${name}": every event has one; it is not a further one`);
    fields.push([name, typeof value === 'bigint' ? Number(value) : value]);
  }
  const read = readExtraAttributes(fields);
  return read.ok ? read.attributes : args.fail(3, read.message);
}
