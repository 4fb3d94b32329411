/** `rate` and `concurrency` of asynchronous triggers throttle running: an event waits for its turn, none is turned away. */
import type { CallError } from '../lua/types.ts';
import { EventTable, type EventSource } from './event-table.ts';
import { evaluate } from './evaluate.ts';
import { keyText, limitScope, ownLimit } from './limit-calls.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import type { LimitedKey } from './shared-keys.ts';
import type { WorkerParts } from './worker-parts.ts';

const shortestWaitMs = 10;
const longestWaitMs = 1_000;

export type Turn =
  | { readonly ok: true; release(): void }
  /** A key could not be evaluated, or the lease was lost meanwhile. */
  | { readonly ok: false; readonly error: CallError };

interface Throttles {
  readonly rate?: { readonly requests: number; readonly perMs: number };
  readonly concurrency?: { readonly limit: number };
}

function throttlesOf({ entry }: LiveTrigger): Throttles {
  if (entry.kind !== 'http' && entry.kind !== 'event') return {};
  const { concurrency } = entry;
  const rate = entry.kind === 'http' ? entry.rate : undefined;
  return { ...(rate === undefined ? {} : { rate }), ...(concurrency === undefined ? {} : { concurrency }) };
}

/** Calls at once over all runtimes; with a key each runtime counts for itself. */
export function sharedLimit(trigger: LiveTrigger): number | undefined {
  return trigger.expressions.concurrencyKey === undefined ? throttlesOf(trigger).concurrency?.limit : undefined;
}

/** Deliveries that the trigger's limits without a key let start now. */
export function throttledSlots(fn: LiveFunction, trigger: LiveTrigger, parts: WorkerParts): number {
  const { rate, concurrency } = throttlesOf(trigger);
  const { rateKey, concurrencyKey } = trigger.expressions;
  const scope = limitScope(fn, trigger);
  let slots = Number.POSITIVE_INFINITY;
  if (rate !== undefined && rateKey === undefined) {
    slots = parts.keys.rateAllowance(scope, rate.requests, rate.perMs, parts.clock.wall());
  }
  if (concurrency !== undefined && concurrencyKey === undefined) {
    slots = Math.min(slots, concurrency.limit - parts.keys.placesTaken(scope, parts.clock.wall()));
  }
  return Math.max(0, slots);
}

/**
 * Waits until the limits of function and trigger let one more call run; answers how to give the place back. Leases are
 * taken in numbers by several threads: only here is it decided. Undefined: the lease was lost meanwhile.
 */
export async function enterFunction(
  fn: LiveFunction,
  trigger: LiveTrigger | undefined,
  parts: WorkerParts,
  signal: AbortSignal,
): Promise<(() => void) | undefined> {
  const { inflight, keys } = parts;
  const limit = trigger === undefined ? undefined : ownLimit(fn, trigger);
  const place = limit === undefined ? undefined : await takePlace(limit.key, limit.concurrency, parts, signal);
  for (let wait = shortestWaitMs; !signal.aborted; wait = Math.min(longestWaitMs, wait * 2)) {
    // Counted first: of two threads that count at once, none overlooks the other.
    inflight.enter(fn.index);
    if (inflight.total(fn.index) <= fn.entry.limits.concurrency) {
      return () => {
        inflight.leave(fn.index);
        if (place !== undefined) keys.releasePlace(place);
      };
    }
    inflight.leave(fn.index);
    await pause(wait, parts, signal);
  }
  if (place !== undefined) keys.releasePlace(place);
  return undefined;
}

/** Waits for the turn of a leased event; the lease is extended meanwhile. */
export async function awaitTurn(
  fn: LiveFunction,
  trigger: LiveTrigger,
  source: EventSource,
  callId: string,
  parts: WorkerParts,
  signal: AbortSignal,
): Promise<Turn> {
  const { rate, concurrency } = throttlesOf(trigger);
  const nothing: Turn = { ok: true, release: () => undefined };
  if (rate === undefined && concurrency === undefined) return nothing;
  const scope = limitScope(fn, trigger);
  const keyOf = async (
    expression: string | undefined,
  ): Promise<{ readonly key: string | undefined } | { readonly error: CallError }> => {
    if (expression === undefined) return { key: '' };
    const value = await evaluate(fn, parts, callId, expression, new EventTable(source));
    return value.ok ? { key: keyText(value.value) } : { error: value.error };
  };

  if (rate !== undefined) {
    const found = await keyOf(trigger.expressions.rateKey);
    if ('error' in found) return { ok: false, error: found.error };
    if (found.key !== undefined) await takeRate({ ...scope, key: found.key }, rate, parts, signal);
  }
  if (concurrency !== undefined) {
    const found = await keyOf(trigger.expressions.concurrencyKey);
    if ('error' in found) return { ok: false, error: found.error };
    const place =
      found.key === undefined
        ? undefined
        : await takePlace({ ...scope, key: found.key }, concurrency.limit, parts, signal);
    if (place !== undefined) return { ok: true, release: () => parts.keys.releasePlace(place) };
  }
  return signal.aborted ? { ok: false, error: { message: 'the lease was lost' } } : nothing;
}

async function takeRate(
  key: LimitedKey,
  { requests, perMs }: NonNullable<Throttles['rate']>,
  parts: WorkerParts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const verdict = parts.keys.takeRate(key, requests, perMs, parts.clock.wall());
    if (verdict.ok) return;
    await pause(verdict.retryAfterMs, parts, signal);
  }
}

async function takePlace(
  key: LimitedKey,
  limit: number,
  parts: WorkerParts,
  signal: AbortSignal,
): Promise<number | undefined> {
  for (let wait = shortestWaitMs; !signal.aborted; wait = Math.min(longestWaitMs, wait * 2)) {
    const place = parts.keys.takePlace(key, limit, parts.clock.wall());
    if (place !== undefined) return place;
    await pause(wait, parts, signal);
  }
  return undefined;
}

/** At most a second at a time, so that a changed table or clock is noticed. */
function pause(milliseconds: number, parts: WorkerParts, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = parts.after(Math.min(longestWaitMs, Math.max(1, milliseconds)), resolve);
    signal.addEventListener(
      'abort',
      () => {
        stop();
        resolve();
      },
      { once: true },
    );
  });
}
