/** Makes the message of one event for one subscription: its filter, its transform, its format. */
import { formatOutgoing, type OutgoingMessage, type TransformedBody } from '../delivery/format-outgoing.ts';
import { readFormField } from '../receivers/form-body.ts';
import { checkHeaders } from '../policy/outbound-request.ts';
import type { CallError, CallResult, CallUsage, LuaValue } from '../lua/types.ts';
import type { Lease } from '../store/store.ts';
import { isTrue } from './evaluate.ts';
import { encodeResult } from './encode-result.ts';
import { evaluateSubscription } from './evaluate-subscription.ts';
import type { LiveSubscription } from './live-subscriptions.ts';
import { subscriptionExpressions } from './load-subscription.ts';
import { StoredEventSource } from './stored-event.ts';
import type { WorkerParts } from './worker-parts.ts';

export type PreparedWebhook =
  | { readonly kind: 'message'; readonly message: OutgoingMessage; readonly usage?: CallUsage }
  | { readonly kind: 'filtered'; readonly by: 'filter' | 'transform' }
  /** `reason`: which of the two failed. */
  | {
      readonly kind: 'failed';
      readonly reason: 'FilterError' | 'TransformError';
      readonly error: CallError;
      readonly retryAfterMs?: number;
    };

const longestBody = 1024 * 1024;

/** `plain`: a ping, which no expression sees. */
export async function prepareWebhook(
  live: LiveSubscription,
  lease: Lease,
  parts: WorkerParts,
  plain: boolean,
  signal: AbortSignal,
): Promise<PreparedWebhook> {
  const { filter, transform, format } = live.entry;
  const { event, attempt } = lease;
  if (filter !== undefined && !plain) {
    const result = await evaluateSubscription(live, parts, subscriptionExpressions.filter, event, attempt, signal);
    if (result.kind !== 'ok') return failed('FilterError', result);
    if (!isTrue(result.values[0])) return { kind: 'filtered', by: 'filter' };
  }
  let transformed: Transformed | undefined;
  let usage: CallUsage | undefined;
  if (transform !== undefined && !plain) {
    const result = await evaluateSubscription(live, parts, subscriptionExpressions.transform, event, attempt, signal);
    if (result.kind !== 'ok') return failed('TransformError', result);
    const read = readTransformed(result.values);
    if (read === undefined) return { kind: 'filtered', by: 'transform' };
    if (typeof read === 'string') return { kind: 'failed', reason: 'TransformError', error: { message: read } };
    ({ usage } = result);
    transformed = read;
  }
  const message = formatOutgoing(format, outgoingEvent(lease), transformed?.body);
  const headers = mergeHeaders(
    message.headers,
    live.entry.headers.map(({ name, value }) => [name, value] as const),
  );
  return {
    kind: 'message',
    message: { headers: mergeHeaders(headers, transformed?.headers ?? []), body: message.body },
    ...(usage === undefined ? {} : { usage }),
  };
}

function outgoingEvent({ event }: Lease): Parameters<typeof formatOutgoing>[1] {
  const source = new StoredEventSource(event, undefined, 1);
  const { contentType, formField, request, name, subject, extra } = source.attributes;
  // Read as when it was accepted: another field of that name, written in another way, was never looked at.
  const form = formField === undefined ? undefined : readFormField(event.body, formField);
  const { type, source: from } = event;
  return {
    id: source.eventId,
    type,
    source: from,
    time: source.time,
    ...(subject === undefined ? {} : { subject }),
    ...(extra === undefined ? {} : { extra }),
    ...(name === undefined ? {} : { name }),
    // What the platform itself stored (schedules, published events) is JSON.
    contentType:
      form === undefined
        ? (contentType ?? (request === undefined ? 'application/json' : 'application/octet-stream'))
        : 'application/json',
    body: form === undefined ? event.body : Buffer.from(form),
  };
}

function failed(reason: 'FilterError' | 'TransformError', result: CallResult): PreparedWebhook {
  if (result.kind === 'ok' || result.kind === 'exit') {
    return { kind: 'failed', reason, error: { message: 'exit is not for expressions' } };
  }
  const { error } = result;
  const retryAfterMs = result.kind === 'overloaded' ? { retryAfterMs: result.retryAfterMs } : {};
  return { kind: 'failed', reason, error, ...retryAfterMs };
}

interface Transformed {
  readonly body: TransformedBody;
  readonly headers: readonly (readonly [string, string])[];
}

/** Undefined: nil, nothing is sent. A text: what is wrong. */
function readTransformed([body, headers]: readonly LuaValue[]): Transformed | string | undefined {
  if (body === undefined) return undefined;
  const content = readBody(body);
  if (typeof content === 'string') return content;
  if (content.body.length > longestBody) return `the transform returned a body over ${longestBody} bytes`;
  if (headers === undefined) return { body: content, headers: [] };
  if (!(headers instanceof Map)) return 'the second value of the transform must be a table of headers';
  const list: (readonly [string, string])[] = [];
  for (const [name, value] of headers) {
    if (typeof name !== 'string' || (typeof value !== 'string' && typeof value !== 'number')) {
      return `the header ${JSON.stringify(String(name))} of the transform must be text`;
    }
    list.push([name.toLowerCase(), String(value)]);
  }
  const verdict = checkHeaders(list);
  return verdict.ok ? { body: content, headers: list } : verdict.message.replace('by a function', 'by a transform');
}

function readBody(body: LuaValue): TransformedBody | string {
  if (body instanceof Uint8Array) return { contentType: 'application/octet-stream', body };
  if (typeof body === 'string') return { contentType: 'text/plain; charset=utf-8', body: Buffer.from(body) };
  if (!(body instanceof Map) && !Array.isArray(body)) {
    return `the transform returned a ${typeof body}; return text, a table or nil`;
  }
  const encoded = encodeResult(body, longestBody);
  if (!encoded.ok) return `the transform returned a table that has no JSON form: ${encoded.message}`;
  return { contentType: 'application/json', body: Buffer.from(encoded.text) };
}

/** Later ones win; names in lower case. */
function mergeHeaders(
  first: readonly (readonly [string, string])[],
  second: readonly (readonly [string, string])[],
): readonly (readonly [string, string])[] {
  if (second.length === 0) return first;
  const merged = new Map(first);
  for (const [name, value] of second) merged.set(name.toLowerCase(), value);
  return [...merged];
}
