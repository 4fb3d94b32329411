/** `url`: take apart, put together, escape. */
import { Results, type HostArguments, type LuaInput, type LuaValue } from '../lua/types.ts';
import { cappedText, failed, pure } from './define.ts';
import type { HostModule } from './types.ts';

const cap = 64 * 1024;
const caps = 'text ≤ 64 KiB, ≤ 1,000 query parameters';
const maxParameters = 1_000;

/** `application/x-www-form-urlencoded` of a table; a list as value repeats the name. Names are sorted. */
export function encodeQuery(value: LuaValue, refuse: (reason: string) => never): string {
  const out: string[] = [];
  const add = (name: string, item: LuaValue): void => {
    if (out.length >= maxParameters) refuse(`more than ${maxParameters} parameters`);
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'bigint' || typeof item === 'boolean') {
      out.push(`${formEncode(name)}=${formEncode(String(item))}`);
    } else refuse(`the parameter "${name.slice(0, 32)}" is not a string, number or boolean`);
  };
  if (Array.isArray(value) && value.length === 0) return '';
  if (!(value instanceof Map)) return refuse('a table of names and values expected');
  const names = [...value.keys()].map((key) => (typeof key === 'string' ? key : refuse('a name is not a string')));
  for (const name of names.sort()) {
    const item = value.get(name);
    if (Array.isArray(item)) for (const each of item) add(name, each);
    else add(name, item);
  }
  return out.join('&');
}

function formEncode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

function decodeComponent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function textField(args: HostArguments, table: ReadonlyMap<unknown, LuaValue>, name: string): string | undefined {
  const value = table.get(name);
  if (value === undefined || typeof value === 'string') return value;
  return args.fail(1, `${name} must be a string`);
}

export const url: HostModule = {
  name: 'url',
  summary: 'URLs by the WHATWG standard, query strings, percent-encoding.',
  entries: [
    {
      name: 'url.parse',
      summary: 'Takes an absolute URL apart.',
      parameters: [{ name: 'text', type: 'string', description: 'an absolute URL' }],
      returns: [
        {
          name: 'parts',
          type: 'moonhook.Url?',
          description:
            '`scheme host port path query fragment user password href`; absent parts are nil, `query` and `fragment` come without their sign',
        },
        { name: 'err', type: 'moonhook.Error?', description: 'why it is no URL' },
      ],
      errors: ['answers `nil, err` if the text is not an absolute URL'],
      answersError: true,
      example: `return function()
  local u = assert(url.parse("https://Example.com:8443/a%20b?x=1#top"))
  assert(u.host == "example.com" and u.port == 8443 and u.path == "/a%20b" and u.query == "x=1")
end`,
      caps,
      implementation: pure('url.parse', (args, call) => {
        const text = cappedText(args, call, 1, cap);
        if (!URL.canParse(text)) return failed('the text is not an absolute URL');
        const parsed = new URL(text);
        const filled = (value: string): string | undefined => (value === '' ? undefined : value);
        return {
          scheme: parsed.protocol.slice(0, -1),
          host: filled(parsed.hostname),
          port: parsed.port === '' ? undefined : Number(parsed.port),
          path: parsed.pathname,
          query: filled(parsed.search.slice(1)),
          fragment: filled(parsed.hash.slice(1)),
          user: filled(decodeComponent(parsed.username) ?? parsed.username),
          password: filled(decodeComponent(parsed.password) ?? parsed.password),
          href: parsed.href,
        };
      }),
    },
    {
      name: 'url.build',
      summary: 'Puts a URL together from the parts that `url.parse` gives; `query` may be a table.',
      parameters: [
        {
          name: 'parts',
          type: 'moonhook.Url',
          description: '`scheme` (default https), `host`, and any of `port path query fragment`',
        },
      ],
      returns: [{ name: 'text', type: 'string', description: 'the URL' }],
      errors: ['raises if a part is missing or cannot be part of a URL'],
      example: `return function()
  assert(url.build({ host = "example.com", path = "/search", query = { q = "a b" } }) == "https://example.com/search?q=a+b")
end`,
      caps,
      implementation: pure('url.build', (args) => {
        const parts = args.value(1);
        if (!(parts instanceof Map)) return args.fail(1, 'a table of parts expected');
        const host = textField(args, parts, 'host');
        if (host === undefined || host === '' || /[/?#@\\\s]/.test(host))
          return args.fail(1, 'host is missing or not a host');
        const scheme = textField(args, parts, 'scheme') ?? 'https';
        if (!/^[a-zA-Z][a-zA-Z0-9+.-]{0,30}$/.test(scheme)) return args.fail(1, 'scheme is not one');
        const base = `${scheme}://${host}`;
        if (!URL.canParse(base)) return args.fail(1, 'host is not a host');
        const built = new URL(base);
        const port = parts.get('port');
        if (port !== undefined) {
          if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
            return args.fail(1, 'port must be an integer from 1 to 65535');
          }
          built.port = String(port);
        }
        built.pathname = textField(args, parts, 'path') ?? '/';
        const query = parts.get('query');
        if (typeof query === 'string') built.search = query;
        else if (query !== undefined) built.search = encodeQuery(query, (reason) => args.fail(1, `query: ${reason}`));
        built.hash = textField(args, parts, 'fragment') ?? '';
        return built.href;
      }),
    },
    {
      name: 'url.encode',
      summary: 'Percent-encodes a text for use as one path segment or query value.',
      parameters: [{ name: 'text', type: 'string', description: 'UTF-8' }],
      returns: [{ name: 'encoded', type: 'string', description: "all but `A-Z a-z 0-9 - _ . ! ~ * ' ( )` as %XX" }],
      errors: ['raises if the text is not UTF-8 or over the cap'],
      example: `return function()
  assert(url.encode("a b/c") == "a%20b%2Fc")
end`,
      caps,
      implementation: pure('url.encode', (args, call) => encodeURIComponent(cappedText(args, call, 1, cap))),
    },
    {
      name: 'url.decode',
      summary: 'Decodes percent-encoding; `+` stays as it is.',
      parameters: [{ name: 'text', type: 'string', description: 'percent-encoded UTF-8' }],
      returns: [
        { name: 'decoded', type: 'string?', description: 'the text' },
        { name: 'err', type: 'moonhook.Error?', description: 'where the text is malformed' },
      ],
      errors: ['answers `nil, err` for a broken escape or bytes that are not UTF-8'],
      answersError: true,
      example: `return function()
  assert(url.decode("a%20b") == "a b")
  assert(url.decode("%zz") == nil)
end`,
      caps,
      implementation: pure(
        'url.decode',
        (args, call) =>
          decodeComponent(cappedText(args, call, 1, cap)) ?? failed('the text is not valid percent-encoding'),
      ),
    },
    {
      name: 'url.encode_query',
      summary: 'Writes a table as a query string or form body, names sorted; a list as value repeats the name.',
      parameters: [
        { name: 'values', type: 'table<string, string|number|boolean|table>', description: 'names and values' },
      ],
      returns: [{ name: 'text', type: 'string', description: '`a=1&b=2`' }],
      errors: ['raises for values that are not strings, numbers, booleans or lists of those'],
      example: `return function()
  assert(url.encode_query({ q = "a b", tag = { "x", "y" } }) == "q=a+b&tag=x&tag=y")
end`,
      caps,
      implementation: pure('url.encode_query', (args, call) => {
        const text = encodeQuery(args.value(1), (reason) => args.fail(1, reason));
        call.charge(text.length);
        return text;
      }),
    },
    {
      name: 'url.decode_query',
      summary: 'Reads a query string or form body; of equal names the first value counts.',
      parameters: [{ name: 'text', type: 'string', description: 'without the question mark' }],
      returns: [
        { name: 'values', type: 'table<string, string>', description: 'name → first value' },
        { name: 'all', type: 'table<string, string[]>', description: 'name → all values in order' },
      ],
      errors: ['raises if the text is over the cap or has more than 1000 parameters'],
      example: `return function()
  local values, all = url.decode_query("a=1&b=x+y&a=2")
  assert(values.a == "1" and values.b == "x y" and all.a[2] == "2")
end`,
      caps,
      implementation: pure('url.decode_query', (args, call) => {
        const pairs = [...new URLSearchParams(cappedText(args, call, 1, cap).replace(/^\?/, ''))];
        if (pairs.length > maxParameters) return args.fail(1, `more than ${maxParameters} parameters`);
        const first = new Map<string, LuaInput>();
        const all = new Map<string, string[]>();
        for (const [name, value] of pairs) {
          if (!first.has(name)) first.set(name, value);
          const list = all.get(name);
          if (list === undefined) all.set(name, [value]);
          else list.push(value);
        }
        return new Results(first, all);
      }),
    },
  ],
};
