/** `call`: another function of the own namespace, now. */
import { Results } from '../lua/types.ts';
import { failed, readOptions, textOption, waiting } from './define.ts';
import { responseTable } from './http-options.ts';
import type { HostModule } from './types.ts';

/** Most calls in a chain of `call`, events and requests to the own hosts. */
export const hopLimit = 8;

export const call: HostModule = {
  name: '',
  summary: '',
  entries: [
    {
      name: 'call',
      summary:
        'Calls another function of the own namespace and waits for its answer. It runs in a machine of its own, within the deadline of the caller.',
      parameters: [
        { name: 'name', type: 'string', description: 'the function' },
        { name: 'data', type: 'any', description: 'plain data, `event.data` there' },
        { name: 'options', type: '{handler?: string}?', description: '`handler` (default `call`, else `default`)' },
      ],
      returns: [
        {
          name: 'response',
          type: 'moonhook.Response?',
          description: 'as of `http`: `status`, `headers`, `body`, `json()`',
        },
        { name: 'err', type: 'moonhook.Error?', description: '`message`, and `status` where there is one' },
      ],
      errors: [
        'answers `nil, err` if the function is missing, fails, or the chain of calls is longer than 8',
        'raises for data that is not plain',
      ],
      answersError: true,
      example: `return function()
  local answer = assert(call("greeter", { name = "Ada" }))
  assert(answer.status == 200 and answer.json().hello == "Ada")
end`,
      caps: 'one host call; 8 calls in a chain',
      implementation: waiting('call', async (args, call) => {
        const name = args.text(1);
        if (!/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) return args.fail(1, 'a function name expected');
        const data = args.value(2);
        const handler = textOption(args, 3, readOptions(args, 3, ['handler']), 'handler');
        const { context } = call;
        if (context.hops >= hopLimit) return failed(`call ${name}: more than ${hopLimit} calls in a chain`);
        const budget = context.budgetOf(call.signal).outgoing();
        const answer = await context.caller.call(name, handler, data, call.remaining(), context.hops, budget);
        if (!answer.ok) {
          call.note?.(`${name}: ${answer.message}`);
          return failed(
            `call ${name}: ${answer.message}`,
            answer.status === undefined ? {} : { status: answer.status },
          );
        }
        call.note?.(`${name} ${answer.status}`);
        const headers = new Map(
          Object.entries(answer.headers).map(([header, value]) => [header.toLowerCase(), [value]] as const),
        );
        return new Results(responseTable({ status: answer.status, headers, body: answer.body }));
      }),
    },
  ],
  lua: `
local raw = host['call']
env.call = function(...) return respond(raw(...)) end
`,
};
