/** The shapes of tables that functions get and give, for the reference page and the editor. */
import type { DocumentedValue } from './types.ts';

export interface DocumentedType {
  readonly name: string;
  readonly summary: string;
  readonly fields: readonly DocumentedValue[];
}

const field = (name: string, type: string, description: string): DocumentedValue => ({ name, type, description });

const requestOptions = [
  field('query', 'table<string, string|number|boolean|table>?', 'added to the URL'),
  field('headers', 'table<string, string|string[]>?', 'request headers'),
  field('json', 'any?', 'body as JSON, with its content type'),
  field('form', 'table<string, string|number|boolean|table>?', 'body as a form, with its content type'),
  field('body', 'string?', 'body as it is'),
  field('auth', '{bearer: string}|{user: string, password: string}|nil', 'the authorization header'),
  field('timeout', 'number?', 'seconds, default 10'),
  field('redirects', 'integer?', 'hops followed, default 5'),
  field('expect', '"2xx"|"3xx"|integer|integer[]|nil', 'other statuses answer `nil, err`'),
];

export const documentedTypes: readonly DocumentedType[] = [
  {
    name: 'moonhook.Event',
    summary: 'What a handler gets. Fields are read when they are asked for.',
    fields: [
      field('id', 'string', 'unique; the same in every attempt'),
      field('name', 'string', "the sender's word: `push`, `invoice.paid`; `request`, `tick`, `added`, `call`, `later`"),
      field('type', 'string', 'CloudEvents form of the name: `com.github.push`'),
      field('source', 'string', 'who it came from'),
      field('subject', 'string?', 'what it is about'),
      field(
        'attributes',
        'table<string, string|integer|boolean>?',
        'what the publisher of an event added: extension attributes of CloudEvents, `dataschema`',
      ),
      field('time', 'string', 'when it happened, ISO 8601'),
      field('trigger', 'string?', 'name of the trigger'),
      field('attempt', 'integer', '1 for the first'),
      field('data', 'any', 'the body by its content type; for other triggers their data'),
      field('body', 'string?', 'the raw bytes'),
      field('request', 'moonhook.Request?', 'for HTTP'),
      field('sender', 'moonhook.Sender?', 'for HTTP'),
    ],
  },
  {
    name: 'moonhook.Request',
    summary: 'The HTTP request of an event. Header names may be asked for in any case.',
    fields: [
      field('method', 'string', '`GET`, `POST` …'),
      field('path', 'string', 'canonical path'),
      field('route', 'string', 'pattern that matched'),
      field('params', 'table<string, string>', 'values of `:name` in the route'),
      field('query', 'table<string, string>', 'first value of each name'),
      field('query_all', 'table<string, string[]>', 'all values'),
      field('headers', 'table<string, string>', 'first value of each name'),
      field('headers_all', 'table<string, string[]>', 'all values'),
      field('host', 'string', 'host it was sent to'),
      field('ip', 'string', 'address of the client'),
    ],
  },
  {
    name: 'moonhook.Sender',
    summary: 'Who sent the event and how that was proved.',
    fields: [
      field('name', 'string', "the receiver's name, or `caller`"),
      field('verified', '"signature"|"secret"|"none"', 'what proved it'),
      field('subject', 'string?', 'user, where there is one'),
      field('claims', 'table?', 'claims of a token'),
    ],
  },
  {
    name: 'moonhook.Error',
    summary: 'An error answer. Prints as its message, also when it is joined to a text.',
    fields: [
      field('message', 'string', 'what happened'),
      field('status', 'integer?', 'HTTP status, where there is one'),
      field('retry_after', 'number?', 'seconds the other side asks to wait'),
      field('rule', 'string?', 'the rule of the outbound guard that refused'),
      field('body', 'string?', 'first 4 KiB of an unexpected answer'),
      field('permanent', 'boolean?', 'set by `fail`: no further attempts'),
    ],
  },
  { name: 'moonhook.HttpOptions', summary: 'Options of an outgoing request.', fields: requestOptions },
  {
    name: 'moonhook.HttpRequest',
    summary: 'An outgoing request in one table.',
    fields: [
      field('method', 'string?', 'default `GET`'),
      field('url', 'string', 'absolute, http or https'),
      ...requestOptions,
    ],
  },
  {
    name: 'moonhook.Response',
    summary: 'An answer. Returned from a handler as it is, it becomes the answer of the function.',
    fields: [
      field('status', 'integer', 'HTTP status'),
      field('headers', 'table<string, string>', 'names in any case; several values joined by a comma'),
      field('body', 'string', 'bytes, decompressed'),
      field('json', 'fun(): any, moonhook.Error?', 'decodes the body, or answers `nil, err`'),
      field('headers_all', 'table<string, string[]>', 'all values'),
      field('url', 'string?', 'address that answered, after redirects'),
    ],
  },
  {
    name: 'moonhook.Url',
    summary: 'Parts of a URL.',
    fields: [
      field('scheme', 'string?', '`https`'),
      field('host', 'string?', 'lower case, punycode'),
      field('port', 'integer?', 'nil: the default of the scheme'),
      field('path', 'string?', 'with leading slash'),
      field('query', 'string|table|nil', 'without question mark'),
      field('fragment', 'string?', 'without number sign'),
      field('user', 'string?', 'decoded'),
      field('password', 'string?', 'decoded'),
      field('href', 'string?', 'the whole, normalised'),
    ],
  },
  {
    name: 'moonhook.KeyValue',
    summary: 'A space of keys; its functions are those of `kv`.',
    fields: [
      field('get', 'fun(key: string): any', 'as `kv.get`'),
      field('set', 'fun(key: string, value: any, options?: number|table): boolean?, moonhook.Error?', 'as `kv.set`'),
      field('delete', 'fun(key: string): boolean', 'as `kv.delete`'),
      field('list', 'fun(prefix?: string, options?: table): string[], string?', 'as `kv.list`'),
      field('add', 'fun(key: string, value: any, options?: number|table): boolean', 'as `kv.add`'),
      field(
        'incr',
        'fun(key: string, delta?: integer, options?: number|table): integer?, moonhook.Error?',
        'as `kv.incr`',
      ),
      field('cas', 'fun(key: string, expected: any, value: any, options?: number|table): boolean', 'as `kv.cas`'),
    ],
  },
  {
    name: 'moonhook.XmlElement',
    summary: 'An element of a document.',
    fields: [
      field('name', 'string', 'with its prefix'),
      field('attributes', 'table<string, string>', 'name → value'),
      field('children', '(moonhook.XmlElement|string)[]', 'in order; texts of white space only are left out'),
      field('text', 'string', "its own text, without its children's"),
    ],
  },
];
