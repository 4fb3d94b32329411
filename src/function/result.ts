/**
 * What a handler's return values mean as an HTTP response: nothing is 204, a string is text, a table of `status`, `headers`,
 * `body`, `json` is that response, any other table is JSON, and `status, body, headers` work as three values.
 */
import { isTable, kindOf, type PlainKey, type PlainTable, type PlainValue } from './plain-value.ts';
import { readHeaders, type HeaderList, type HeaderRules } from './response-headers.ts';

export interface HttpResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body?: string | Uint8Array;
}

export type ResponseResult =
  | {
      readonly ok: true;
      readonly response: HttpResponse;
      /** Headers the function set and may not set. */
      readonly dropped: readonly string[];
    }
  /** The function returned something that is no response; `message` says what and what to write instead. */
  | { readonly ok: false; readonly message: string };

export type EncodedJson =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string };

export interface ResponseRules extends HeaderRules {
  /** JSON text of a value, or why it has none (invalid UTF-8, NaN, a boolean key); stops above `maxBytes`. */
  encodeJson(value: PlainValue, maxBytes: number): EncodedJson;
}

const responseFields: ReadonlySet<string> = new Set(['status', 'headers', 'body', 'json']);
const textType = ['content-type', 'text/plain; charset=utf-8'] as const;
const bytesType = ['content-type', 'application/octet-stream'] as const;
const jsonType = ['content-type', 'application/json'] as const;

/** The parts of a response before anything is checked. */
interface Draft {
  readonly status?: PlainValue;
  readonly headers?: PlainValue;
  readonly body?: PlainValue;
  /** Set: the body is this value as JSON. */
  readonly json?: PlainValue;
}

/** The response that return values (or the arguments of `exit`) stand for. */
export function toHttpResponse(
  values: readonly PlainValue[],
  maxBodyBytes: number,
  rules: ResponseRules,
): ResponseResult {
  if (values.length === 1 && typeof values[0] === 'string') return textResponse(values[0], maxBodyBytes);
  const read = readDraft(values);
  if (!read.ok) return read;
  const { draft } = read;
  const status = readStatus(draft);
  if (typeof status === 'string') return refuse(status);
  const headers = readHeaders(draft.headers, rules);
  if (!headers.ok) return headers;
  const body = readBody(draft, maxBodyBytes, rules);
  if (!body.ok) return body;
  const { content, type } = body;
  const bodyless = status === 204 || status === 205 || status === 304;
  if (bodyless && content !== undefined && content.length > 0)
    return refuse(`status ${status} has no body, and there is one`);
  const typed = type === undefined || bodyless || headers.headers.some(([name]) => name === 'content-type');
  const all = typed ? headers.headers : [...headers.headers, type];
  return {
    ok: true,
    response: content === undefined || bodyless ? { status, headers: all } : { status, headers: all, body: content },
    dropped: headers.dropped,
  };
}

const textHeaders: HeaderList = [textType];
const nothing: readonly string[] = [];

/** A string alone is what most handlers return: the same as its draft comes to. */
function textResponse(text: string, maxBodyBytes: number): ResponseResult {
  const body = withinLimit(text, textType, maxBodyBytes);
  return body.ok ? { ok: true, response: { status: 200, headers: textHeaders, body: text }, dropped: nothing } : body;
}

/** The status that return values name, for asynchronous calls; undefined: they name none. */
export function statusOf(
  values: readonly PlainValue[],
):
  | { readonly ok: true; readonly status?: number; readonly headers?: PlainValue }
  | { readonly ok: false; readonly message: string } {
  const read = readDraft(values);
  if (!read.ok) return read;
  if (read.draft.status === undefined) return { ok: true };
  const status = readStatus(read.draft);
  return typeof status === 'string' ? refuse(status) : { ok: true, status, headers: read.draft.headers };
}

function readDraft(
  values: readonly PlainValue[],
): { readonly ok: true; readonly draft: Draft } | { readonly ok: false; readonly message: string } {
  const [first, second, third] = values;
  if (first === undefined) {
    if (second === undefined) return { ok: true, draft: {} };
    return refuse(
      `the handler returned nil and ${describe(second)}; raise an error with error(), or return a response`,
    );
  }
  if (typeof first === 'number' || typeof first === 'bigint') {
    const body =
      isTable(second) || Array.isArray(second) || typeof second === 'symbol' ? { json: second } : { body: second };
    return { ok: true, draft: { status: first, ...body, headers: third } };
  }
  if (second !== undefined) {
    return refuse(`the handler returned ${kindOf(first)} and ${kindOf(second)}; the order is status, body, headers`);
  }
  if (typeof first === 'string' || first instanceof Uint8Array) return { ok: true, draft: { body: first } };
  if (typeof first === 'boolean') {
    return refuse('the handler returned a boolean; return nothing, a string, a table, or status, body, headers');
  }
  return isTable(first) ? readTable(first) : { ok: true, draft: { json: first } };
}

function readTable(
  table: PlainTable,
): { readonly ok: true; readonly draft: Draft } | { readonly ok: false; readonly message: string } {
  const status = table.get('status');
  let other: PlainKey | undefined;
  for (const key of table.keys()) {
    if (typeof key === 'string' && responseFields.has(key)) continue;
    other = key;
    break;
  }
  if (
    table.size > 0 &&
    other === undefined &&
    (status === undefined || typeof status === 'number' || typeof status === 'bigint')
  ) {
    return {
      ok: true,
      draft: {
        status,
        headers: table.get('headers'),
        body: table.get('body'),
        ...(table.has('json') ? { json: table.get('json') } : {}),
      },
    };
  }
  if (other !== undefined && isInteger(status)) {
    const beside = JSON.stringify(String(other)).slice(0, 80);
    return refuse(
      `the table has status = ${status} beside ${beside}: for a response with JSON write { status = ${status}, json = { … } }, for plain data rename the field or write { json = { … } }`,
    );
  }
  return { ok: true, draft: { json: table } };
}

/** A final status, or what is wrong with the one that was given. */
function readStatus({ status, body, json, headers }: Draft): number | string {
  if (status === undefined) return body === undefined && json === undefined && headers === undefined ? 204 : 200;
  if (typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599) return status;
  return `the status ${typeof status === 'number' || typeof status === 'bigint' ? String(status) : kindOf(status)} is not a whole number from 200 to 599`;
}

type Body =
  | { readonly ok: true; readonly content?: string | Uint8Array; readonly type?: readonly [string, string] }
  | { readonly ok: false; readonly message: string };

function readBody(draft: Draft, maxBytes: number, rules: ResponseRules): Body {
  const { body, json } = draft;
  if (json !== undefined) {
    if (body !== undefined) return refuse('the response has both body and json; write one of them');
    const encoded = rules.encodeJson(json, maxBytes);
    return encoded.ok
      ? withinLimit(encoded.text, jsonType, maxBytes)
      : refuse(`the result has no JSON form: ${encoded.message}`);
  }
  if (body === undefined) return { ok: true };
  if (typeof body === 'string') return withinLimit(body, textType, maxBytes);
  if (body instanceof Uint8Array) return withinLimit(body, bytesType, maxBytes);
  if (typeof body === 'number' || typeof body === 'bigint') return withinLimit(String(body), textType, maxBytes);
  return refuse(`the body is ${kindOf(body)}; it has to be a string (for JSON write json = …)`);
}

function withinLimit(content: string | Uint8Array, type: readonly [string, string], maxBytes: number): Body {
  // A text has at least as many bytes as UTF-16 units, and at most three times as many.
  const length =
    typeof content === 'string' && content.length * 3 > maxBytes ? Buffer.byteLength(content) : content.length;
  if (length > maxBytes)
    return refuse(`the response body has ${length} bytes, more than limits.responseBody allows (${maxBytes})`);
  return { ok: true, content, type };
}

function isInteger(value: PlainValue): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
}

/** An error value in a few words: its message, where it has one. */
function describe(value: PlainValue): string {
  const text = isTable(value) ? value.get('message') : value;
  return typeof text === 'string' ? JSON.stringify(text.slice(0, 200)) : kindOf(value);
}

function refuse(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}
