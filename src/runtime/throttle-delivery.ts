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
/** Places of a key become free in other threads, too. */
const longestLookMs = 100;
/** Those of whom too many wait come back so many in a second, of each trigger. */
const backPerSecond = 1_000;
const soonestBackMs = 100;
const latestBackMs = 60_000;

export type Turn =
  | { readonly ok: true; release(): void }
  /** A key could not be evaluated, or the lease was lost meanwhile. */
  | { readonly ok: false; readonly error: CallError }
  /** Too many wait for the same key. */
  | { readonly ok: false; readonly giveBackMs: number };

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
  const own = ownLimit(fn, trigger);
  if (own !== undefined) slots = Math.min(slots, own.concurrency - parts.keys.placesTaken(own.key, parts.clock.wall()));
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
  { callId, destination }: { readonly callId: string; readonly destination: string },
  parts: WorkerParts,
  signal: AbortSignal,
): Promise<Turn> {
  const { rate, concurrency } = throttlesOf(trigger);
  const scope = limitScope(fn, trigger);
  const keyOf = async (
    expression: string | undefined,
  ): Promise<{ readonly key: LimitedKey | undefined } | { readonly error: CallError }> => {
    if (expression === undefined) return { key: scope };
    const value = await evaluate(fn, parts, callId, expression, new EventTable(source));
    if (!value.ok) return { error: value.error };
    const key = keyText(value.value);
    return { key: key === undefined ? undefined : { ...scope, key } };
  };
  let release = (): void => undefined;

  if (concurrency !== undefined) {
    const found = await keyOf(trigger.expressions.concurrencyKey);
    if ('error' in found) return { ok: false, error: found.error };
    const { key } = found;
    if (key !== undefined) {
      const place = await inTurn(key, parts, signal, placeOf(key, concurrency.limit, parts));
      if (place === 'crowded') return await crowded(destination, parts);
      release = () => {
        if (place === 'lost') return;
        parts.keys.releasePlace(place);
        parts.keys.waits.free(key);
      };
    }
  }
  // A turn that is taken is used up: it comes last.
  if (rate !== undefined) {
    const found = await keyOf(trigger.expressions.rateKey);
    const { key } = 'error' in found ? {} : found;
    const turn =
      key === undefined
        ? true
        : await inTurn({ ...key, scope: `${key.scope} rate` }, parts, signal, rateOf(key, rate, parts));
    if ('error' in found || turn === 'crowded') {
      release();
      return 'error' in found ? { ok: false, error: found.error } : await crowded(destination, parts);
    }
  }
  return { ok: true, release };
}

/** What was taken, or how long it is not worth looking again. */
type Look<Taken> = () => { readonly taken: Taken } | { readonly waitMs: number };

async function inTurn<Taken>(
  key: LimitedKey,
  parts: WorkerParts,
  signal: AbortSignal,
  look: Look<Taken>,
): Promise<Taken | 'crowded' | 'lost'> {
  let seen = look();
  if ('taken' in seen) return seen.taken;
  const wait = parts.keys.waits.enter(key);
  if (wait === undefined) return 'crowded';
  try {
    while (!signal.aborted) {
      await pause(seen.waitMs, parts, signal, (callback) => wait.onFree(callback));
      seen = look();
      if ('taken' in seen) return seen.taken;
    }
    return 'lost';
  } finally {
    wait.leave();
  }
}

function placeOf(key: LimitedKey, limit: number, parts: WorkerParts): Look<number> {
  let waitMs = shortestWaitMs / 2;
  return () => {
    const taken = parts.keys.takePlace(key, limit, parts.clock.wall());
    waitMs = Math.min(longestLookMs, waitMs * 2);
    return taken === undefined ? { waitMs } : { taken };
  };
}

function rateOf(key: LimitedKey, { requests, perMs }: NonNullable<Throttles['rate']>, parts: WorkerParts): Look<true> {
  return () => {
    const verdict = parts.keys.takeRate(key, requests, perMs, parts.clock.wall());
    return verdict.ok ? { taken: true } : { waitMs: verdict.retryAfterMs };
  };
}

/** The more wait, the later each comes back: what is looked at in vain must not be the work. */
async function crowded(destination: string, parts: WorkerParts): Promise<Turn> {
  const most = (latestBackMs / 1000) * backPerSecond;
  const ask = (): Promise<number> => parts.store.backlog(destination, most);
  const waiting = await parts.keys.waits.backlog(destination, parts.clock.monotonic(), ask);
  const backMs = Math.min(latestBackMs, Math.max(soonestBackMs, (waiting * 1000) / backPerSecond));
  return { ok: false, giveBackMs: Math.round(backMs * (0.5 + Math.random())) };
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

/** At most a second at a time, so that a changed table or clock is noticed. `onEarly`: calls back where it may end sooner. */
function pause(
  milliseconds: number,
  parts: WorkerParts,
  signal: AbortSignal,
  onEarly?: (callback: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const stop = parts.after(Math.min(longestWaitMs, Math.max(1, milliseconds)), resolve);
    const early = (): void => {
      stop();
      resolve();
    };
    signal.addEventListener('abort', early, { once: true });
    onEarly?.(early);
  });
}
