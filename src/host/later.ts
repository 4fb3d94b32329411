/** `later` and `cancel`: work that goes on after the answer. */
import type { HostArguments } from '../lua/types.ts';
import { holdUntilKept } from './hold-value.ts';
import { failed, readOptions, secondsToMs, textOption, waiting } from './define.ts';
import { defaultEncodeOptions, encodeJson, EncodeProblem } from './json-encode.ts';
import type { HostModule } from './types.ts';

const longestDelaySeconds = 366 * 86_400;

/** Why an event that would be one too many is refused. */
export const budgetSpent = 'the events that may descend from the one this chain began with are used up';

/** Plain data as JSON bytes, for the store. */
export function encodeData(args: HostArguments, position: number): Uint8Array {
  try {
    return Buffer.from(encodeJson(args.value(position), defaultEncodeOptions));
  } catch (error) {
    return args.fail(position, error instanceof EncodeProblem ? error.message : 'the data has no JSON form');
  }
}

export const later: HostModule = {
  name: '',
  summary: '',
  entries: [
    {
      name: 'later',
      summary:
        'Runs a handler of this function later, as an asynchronous event with retries: answer now, finish later. Durable when it returns, if the installation has a store; an asynchronous call enqueues when its own event is settled.',
      parameters: [
        { name: 'handler', type: 'string', description: "the handler's name, as the module returns it" },
        { name: 'data', type: 'any', description: 'plain data, `event.data` there' },
        {
          name: 'options',
          type: '{delay?: number, key?: string}?',
          description: '`delay` in seconds; `key`: replaces what waits under the same key',
        },
      ],
      returns: [
        { name: 'id', type: 'string?', description: 'for `cancel`' },
        { name: 'err', type: 'moonhook.Error?', description: 'why not' },
      ],
      errors: [
        'answers `nil, err` if the events that descend from one are used up, or the quota of the namespace is',
        'raises for a handler that the function does not have, a bad delay or data without JSON form',
      ],
      answersError: true,
      example: `return {
  default = function(event)
    later("remind", { user = 42 }, { delay = 60, key = "remind:42" })
    return "will do"
  end,
  remind = function(event) log.info("reminded", event.data) end,
}`,
      caps: 'data ≤ 1 MiB as JSON, delay ≤ 366 days; one host call',
      implementation: waiting('later', async (args, call) => {
        const handler = args.text(1);
        if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(handler)) return args.fail(1, "a handler's name expected");
        const handlers = call.handlers?.() ?? [handler];
        // It would wait for code that has one, and nobody would know.
        if (!handlers.includes(handler))
          return args.fail(1, `the function has no handler "${handler}"; it has ${handlers.join(', ')}`);
        const data = encodeData(args, 2);
        const options = readOptions(args, 3, ['delay', 'key']);
        const delayMs = secondsToMs(args, 3, 'delay', options.get('delay') ?? 0, longestDelaySeconds);
        const key = textOption(args, 3, options, 'key');
        if (key !== undefined && (key === '' || key.length > 256))
          return args.fail(3, 'key must have 1 to 256 characters');
        const budget = call.context.budgetOf(call.signal).child();
        if (budget === undefined) return failed(`later: ${budgetSpent}`);
        call.note?.(handler);
        const item = {
          namespaceUid: call.namespaceUid,
          namespace: call.namespace,
          functionName: call.functionName,
          callId: call.callId,
          handler,
          data,
          delayMs,
          hops: call.context.hops,
          budget,
          ...(key === undefined ? {} : { key }),
        };
        const id = await holdUntilKept(call, data, () => call.context.later.enqueue(item));
        call.note?.(`${handler} as ${id}`);
        return id;
      }),
    },
    {
      name: 'cancel',
      summary: 'Cancels what `later` put off and has not begun yet.',
      parameters: [{ name: 'id', type: 'string', description: 'the id `later` gave, or the key' }],
      returns: [{ name: 'cancelled', type: 'boolean', description: 'false: nothing waits under it' }],
      errors: ['raises if the id is not a string'],
      example: `return {
  default = function()
    local id = later("remind", nil, { delay = 60 })
    assert(cancel(id) == true and cancel(id) == false)
  end,
  remind = function() end,
}`,
      caps: 'one host call',
      implementation: waiting('cancel', async (args, call) => {
        const id = args.text(1);
        if (id === '' || id.length > 256) return args.fail(1, 'an id or key of 1 to 256 characters expected');
        return call.context.later.cancel(call.namespaceUid, call.functionName, id);
      }),
    },
  ],
};
