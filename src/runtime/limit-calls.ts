/** Rate and concurrency of a trigger, by key, and the function's own concurrency; charged after verification. */
import { hash } from 'node:crypto';
import type { LuaValue } from '../lua/types.ts';
import { EventTable } from './event-table.ts';
import { evaluate } from './evaluate.ts';
import type { HttpCall } from './http-call.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import { refuse } from './refuse.ts';
import { RequestEvent } from './request-event.ts';
import type { LimitedKey } from './shared-keys.ts';
import type { WorkerParts } from './worker-parts.ts';

type Keyed = { readonly ok: true; readonly key: string | undefined } | { readonly ok: false };

export function limitCalls(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  const { fn, trigger } = call;
  if (fn === undefined) return undefined;
  if (parts.inflight.total(fn.index) >= fn.limits.concurrency) {
    call.note('concurrency', false, `${fn.limits.concurrency} calls of the function are running`);
    return refuse(call, parts, 'ConcurrencyLimited', { outcome: 'limited', retryAfterMs: 1000 });
  }
  if (trigger === undefined) return undefined;
  const own = ownLimit(fn, trigger);
  if (own !== undefined) {
    const place = parts.keys.takePlace(own.key, own.concurrency, parts.clock.wall());
    if (place === undefined) {
      call.note('concurrency', false, `${own.concurrency} calls of the trigger are running`);
      return refuse(call, parts, 'ConcurrencyLimited', { outcome: 'limited', retryAfterMs: 1000 });
    }
    call.onEnd(() => parts.keys.releasePlace(place));
  }
  const { extras } = trigger;
  if (extras?.rate === undefined && extras?.concurrency === undefined) return undefined;
  return limitByKey(call, parts, fn, trigger);
}

/** `limits.concurrency` of a trigger, where it is below that of its function. */
export function ownLimit(
  fn: LiveFunction,
  trigger: LiveTrigger,
): { readonly key: LimitedKey; readonly concurrency: number } | undefined {
  const { concurrency } = trigger.bounds;
  if (concurrency >= fn.limits.concurrency) return undefined;
  // Keys of the trigger's own expressions begin with their type.
  return { key: { ...limitScope(fn, trigger), key: 'limits' }, concurrency };
}

/** Whose limits they are: the keys of a trigger belong to it. */
export function limitScope(fn: LiveFunction, trigger: LiveTrigger): LimitedKey {
  return { namespaceUid: fn.entry.namespaceUid, scope: `${fn.entry.uid}/${trigger.entry.name}` };
}

async function limitByKey(call: HttpCall, parts: WorkerParts, fn: LiveFunction, trigger: LiveTrigger): Promise<void> {
  const { rate, concurrency } = trigger.extras ?? {};
  const scope = limitScope(fn, trigger);
  if (rate !== undefined) {
    const keyed = await readKey(call, parts, trigger.expressions.rateKey);
    if (!keyed.ok) return;
    if (keyed.key !== undefined) {
      const verdict = parts.keys.takeRate({ ...scope, key: keyed.key }, rate.requests, rate.perMs, parts.clock.wall());
      if (!verdict.ok) {
        call.note('rate', false, `${rate.requests} requests in ${rate.perMs} ms are used up`);
        return refuse(call, parts, 'RateLimited', { outcome: 'limited', retryAfterMs: verdict.retryAfterMs });
      }
    }
  }
  if (concurrency !== undefined) {
    const keyed = await readKey(call, parts, trigger.expressions.concurrencyKey);
    if (!keyed.ok || keyed.key === undefined) return;
    const place = parts.keys.takePlace({ ...scope, key: keyed.key }, concurrency.limit, parts.clock.wall());
    if (place === undefined) {
      call.note('concurrency', false, `${concurrency.limit} calls with this key are running`);
      return refuse(call, parts, 'ConcurrencyLimited', { outcome: 'limited', retryAfterMs: 1000 });
    }
    call.onEnd(() => parts.keys.releasePlace(place));
  }
}

/** Without an expression all requests share one key; nil is not limited. */
export async function readKey(call: HttpCall, parts: WorkerParts, expression: string | undefined): Promise<Keyed> {
  if (expression === undefined) return { ok: true, key: '' };
  if (call.fn === undefined) return { ok: false };
  const value = await evaluate(call.fn, parts, call.id, expression, new EventTable(new RequestEvent(call)));
  if (!value.ok) {
    call.error = value.error;
    refuse(call, parts, 'FilterError', { outcome: 'error', detail: `${expression}: ${value.error.message}` });
    return { ok: false };
  }
  return { ok: true, key: keyText(value.value) };
}

/** Longer keys go by their hash: they come from requests, and stand in an index of the store. */
const longestKeyText = 256;

/** Text, numbers and booleans name themselves; nil and false are no key; anything else shares one. */
export function keyText(value: LuaValue): string | undefined {
  if (value === undefined || value === false) return undefined;
  const text = wordsOf(value);
  return text.length <= longestKeyText ? text : `sha256:${hash('sha256', text)}`;
}

function wordsOf(value: Exclude<LuaValue, undefined>): string {
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('base64')}`;
  if (typeof value === 'object' || typeof value === 'symbol') return 'table';
  return `${typeof value}:${value}`;
}
