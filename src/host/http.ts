/** `http`: outgoing requests through the outbound guard. */
import { Results, type HostCall, type HostFunction } from '../lua/types.ts';
import { failed, pure, readOptions, textOption, waiting } from './define.ts';
import { bodyCap, optionNames, readRequest, readRetryAfter, responseTable, type RequestParts } from './http-options.ts';
import { decodeArgument, jsonDecodeLimits } from './json.ts';
import type { HostContext, HostEntry, HostModule } from './types.ts';

/** For messages: paths, queries and what stands before `@` hold secrets. A text without a scheme may still name a server. */
function originOf(url: string): string {
  const { origin = 'null' } = URL.parse(url) ?? {};
  if (origin !== 'null') return origin;
  const [server = ''] = url.split(/[/?#]/, 1);
  return JSON.stringify(server.slice(server.lastIndexOf('@') + 1).slice(0, 60));
}

async function send(call: HostCall<HostContext>, parts: RequestParts): Promise<Results> {
  const { context } = call;
  // Memory of the answer counts against the call while it arrives; a call over its limit ends right there.
  const control = new AbortController();
  const stop = (): void => control.abort();
  call.signal.addEventListener('abort', stop, { once: true });
  let held = 0;
  let ended: unknown;
  const started = originOf(parts.url);
  try {
    const result = await context.outbound.send({
      ...parts,
      maxResponseBytes: bodyCap,
      signal: control.signal,
      hostHeaders: [
        ['x-moonhook-hops', String(context.hops + 1)],
        ['x-moonhook-budget', String(context.budgetOf(call.signal).outgoing())],
        ...(context.traceparent === undefined || parts.headers.some(([name]) => name.toLowerCase() === 'traceparent')
          ? []
          : [['traceparent', context.traceparent] as const]),
      ],
      received: (bytes) => {
        try {
          call.hold(bytes);
          held += bytes;
        } catch (error) {
          ended = error;
          control.abort();
        }
      },
    });
    if (ended !== undefined) throw ended;
    if (!result.ok) {
      call.note?.(`${parts.method} ${started}: ${result.message}`);
      const rule = result.rule === undefined ? {} : { rule: result.rule };
      return failed(`${parts.method} ${started}: ${result.message}`, {
        ...rule,
        ...(result.retryAfterSeconds === undefined ? {} : { retry_after: result.retryAfterSeconds }),
      });
    }
    const { response } = result;
    call.note?.(`${parts.method} ${started} ${response.status}`);
    if (parts.expect !== undefined && !parts.expect(response.status)) {
      const retryAfter = readRetryAfter(response.headers.get('retry-after')?.[0], call.now());
      return failed(`${parts.method} ${started} answered ${response.status}`, {
        status: response.status,
        // A copy: a part would keep all of it.
        body: new Uint8Array(response.body.subarray(0, 4_096)),
        ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
      });
    }
    return new Results(responseTable(response));
  } finally {
    call.signal.removeEventListener('abort', stop);
    call.hold(-held);
  }
}

function method(verb: string): HostFunction<HostContext> {
  return waiting(`http.${verb.toLowerCase()}`, async (args, call) => {
    const url = args.text(1);
    return send(call, readRequest(args, 2, verb, url, readOptions(args, 2, optionNames), call.remaining()));
  });
}

const requestFunction = waiting('http.request', async (args, call) => {
  if (args.type(1) !== 'table') return args.fail(1, `table expected, got ${args.type(1)}`);
  const options = readOptions(args, 1, ['method', 'url', ...optionNames]);
  const url = textOption(args, 1, options, 'url');
  if (url === undefined) return args.fail(1, 'url is missing');
  const verb = textOption(args, 1, options, 'method') ?? 'GET';
  return send(call, readRequest(args, 1, verb.toUpperCase(), url, options, call.remaining()));
});

const urlParameter = { name: 'url', type: 'string', description: 'absolute, http or https' };
const optionsParameter = {
  name: 'options',
  type: 'moonhook.HttpOptions?',
  description:
    '`query` (table), `headers` (table; a list repeats a header), one of `json` (any value), `form` (table) and `body` (string), `auth` (`{ bearer = … }` or `{ user = …, password = … }`), `timeout` (seconds, default 10, never beyond the call), `redirects` (default 5, at most 10, 0: none), `expect` (`"2xx"`, a status or a list: anything else answers `nil, err`)',
};
const responseReturn = [
  {
    name: 'response',
    type: 'moonhook.Response?',
    description:
      '`status`, `headers` (any case), `body`; `json()` decodes the body or answers `nil, err`; `headers_all` (lists), `url` (after redirects)',
  },
  {
    name: 'err',
    type: 'moonhook.Error?',
    description:
      '`message`; `rule` if the request is not allowed; `status`, `body` (first 4 KiB) and `retry_after` if `expect` was not met',
  },
];
const errors = [
  'answers `nil, err` if the request is not allowed, cannot be sent, takes too long, the answer is over 4 MiB, or `expect` is not met',
  'raises for unknown options and wrong types',
];
const caps = 'request body ≤ 4 MiB, response ≤ 4 MiB after decompression, ≤ 100 headers; one host call';

function verbEntry(verb: string, summary: string, example: string): HostEntry {
  return {
    name: `http.${verb.toLowerCase()}`,
    summary,
    parameters: [urlParameter, optionsParameter],
    returns: responseReturn,
    errors,
    answersError: true,
    example,
    caps,
    implementation: method(verb),
  };
}

export const http: HostModule = {
  name: 'http',
  summary:
    'Outgoing HTTP requests. Only globally reachable addresses within `spec.egress.allow` and what the installation allows; every redirect is checked again and loses its credentials at another origin. Headers of the connection, `webhook-*` and `x-moonhook-*` cannot be set.',
  entries: [
    {
      name: 'http.request',
      summary: 'Sends a request described by one table.',
      parameters: [
        {
          ...optionsParameter,
          name: 'request',
          type: 'moonhook.HttpRequest',
          description: `\`method\` (default GET), \`url\`, and the options: ${optionsParameter.description}`,
        },
      ],
      returns: responseReturn,
      errors,
      answersError: true,
      example: `return function()
  local response = assert(http.request({ method = "PUT", url = env.API .. "/items/1", json = { name = "lamp" } }))
  assert(response.status == 200)
end`,
      caps,
      implementation: requestFunction,
    },
    verbEntry(
      'GET',
      'Sends a GET request.',
      `return function()
  local response = assert(http.get(env.API .. "/echo", { query = { q = "a b" }, timeout = 2 }))
  assert(response.headers["Content-Type"] == "application/json")
  assert(response.json().query.q == "a b")
end`,
    ),
    verbEntry(
      'POST',
      'Sends a POST request.',
      `return function()
  assert(http.post(env.API .. "/echo", { json = { text = "deployed" }, expect = "2xx" }))
end`,
    ),
    verbEntry(
      'PUT',
      'Sends a PUT request.',
      `return function()
  assert(http.put(env.API .. "/echo", { body = "plain text", headers = { ["Content-Type"] = "text/plain" } }))
end`,
    ),
    verbEntry(
      'PATCH',
      'Sends a PATCH request.',
      `return function()
  assert(http.patch(env.API .. "/echo", { json = { done = true }, auth = { bearer = "token" } }))
end`,
    ),
    verbEntry(
      'DELETE',
      'Sends a DELETE request.',
      `return function()
  local response, err = http.delete(env.API .. "/status/404", { expect = { 200, 204 } })
  assert(response == nil and err.status == 404)
end`,
    ),
    verbEntry(
      'HEAD',
      'Sends a HEAD request.',
      `return function()
  assert(#assert(http.head(env.API .. "/echo")).body == 0)
end`,
    ),
  ],
  hidden: [
    pure('http.decode', (args, call) =>
      decodeArgument(args, call, jsonDecodeLimits, (message) => failed(`the response is not JSON: ${message}`)),
    ),
  ],
  lua: `
local setmetatable, type, rawget, lower = env.setmetatable, env.type, env.rawget, env.string.lower
local insensitive = {
  __index = function(t, key)
    if type(key) == 'string' then return rawget(t, lower(key)) end
  end,
  __metatable = false,
}
-- json, headers_all and url are reached through the metatable: a response that is returned as it is has only the fields of a result.
local decode = host['http.decode']
function respond(response, err)
  if response == nil then return nil, setmetatable(err, failure) end
  local body = response.body
  setmetatable(response.headers, insensitive)
  local more = { headers_all = setmetatable(response.headers_all, insensitive), url = response.url }
  more.json = function() return guarded(decode(body)) end
  response.headers_all, response.url = nil, nil
  return setmetatable(response, { __index = more, __metatable = false })
end
env.http = {}
for _, verb in env.ipairs({ 'request', 'get', 'post', 'put', 'patch', 'delete', 'head' }) do
  local raw = host['http.' .. verb]
  env.http[verb] = function(...) return respond(raw(...)) end
end
`,
};
