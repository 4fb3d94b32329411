/** Why deliveries that are due do not start: handlers, limits and breakers as the thread that would run them sees them. */
import { breakerKey, type OpenBreaker } from '../delivery/breakers.ts';
import { parseDestination } from '../delivery/destination.ts';
import { parseOutgoing } from '../delivery/outgoing-destination.ts';
import { limitScope } from './limit-calls.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';
import type { LiveSubscription } from './live-subscriptions.ts';
import { outgoingKey } from './outgoing-slots.ts';
import type { WorkerParts } from './worker-parts.ts';

/** What a runtime tells of deliveries that wait although they are due, or that are leased and do not run yet. */
export interface Resting {
  /** Destination → why nothing of it starts now. */
  readonly reasons: Readonly<Record<string, string>>;
  /** Deliveries that are leased and wait for their turn. */
  readonly turns: readonly number[];
}

/** Nobody reads more of them. */
const shownTurns = 1000;

/** Why nothing of these destinations starts, and what waits for its turn. */
export function restingOf(destinations: readonly string[], parts: WorkerParts): Resting {
  // Looked up once: there may be thousands of both, and the thread answers requests.
  const open = new Map(parts.outgoing.breakers.open().map((breaker) => [breaker.key, breaker]));
  const reasons = destinations.flatMap((destination) => {
    const why = whyResting(destination, open, parts);
    return why === undefined ? [] : [[destination, why] as const];
  });
  const turns = parts.turns.all().slice(0, shownTurns);
  return { reasons: Object.fromEntries(reasons), turns: turns.map(({ lease }) => lease.receipt.delivery) };
}

/** Undefined: nothing that this thread knows of keeps it. Without words that change by themselves: lists are compared. */
function whyResting(
  destination: string,
  open: ReadonlyMap<string, OpenBreaker>,
  parts: WorkerParts,
): string | undefined {
  const outgoing = parseOutgoing(destination);
  if (outgoing !== undefined) {
    const live = parts.subscriptions.at(destination);
    if (live === undefined) return undefined;
    return whyNotSent(live, outgoingKey(outgoing), open, parts) ?? whyNoPlace(destination, parts);
  }
  const parsed = parseDestination(destination);
  const fn = parsed && parts.table.inScope(parsed.namespaceUid, parsed.functionName);
  if (parsed === undefined || fn === undefined) return undefined;
  const until = parts.quarantine.get(fn.uid) ?? 0;
  if (until > parts.clock.wall()) return `a call of the function held its thread: it rests until ${time(until)}`;
  if (fn.program === undefined) {
    return `no version of the function has loaded: ${fn.outcome.rejection?.message ?? 'its code was refused'}`;
  }
  if ('handler' in parsed.target) {
    const { handler } = parsed.target;
    const { handlers } = fn.program;
    if (!handlers.has(handler)) return `the module has no handler "${handler}"; it has ${listed(handlers)}`;
    return whyFull(fn, undefined, parts) ?? whyNoPlace(destination, parts);
  }
  const trigger = fn.trigger(parsed.target.trigger);
  if (trigger === undefined) return undefined;
  if (trigger.unavailable !== undefined) return trigger.unavailable.message;
  if (trigger.handler === undefined)
    return `the module has no handler for the trigger; it has ${listed(fn.program.handlers)}`;
  return whyFull(fn, trigger, parts) ?? whyNoPlace(destination, parts);
}

function whyNoPlace(destination: string, { places }: WorkerParts): string | undefined {
  return places.free(destination) > 0 ? undefined : 'its namespace has as many deliveries at work here as it may';
}

/** Its host is not named: the URL may be a secret. */
function whyNotSent(
  live: LiveSubscription,
  key: ReturnType<typeof outgoingKey>,
  open: ReadonlyMap<string, OpenBreaker>,
  parts: WorkerParts,
): string | undefined {
  const { outgoing, keys, clock } = parts;
  const { namespaceUid, url, concurrency } = live.entry;
  if (live.broken) return 'its filter or transform does not load';
  const breaker = open.get(breakerKey(namespaceUid, url));
  if (breaker?.kind === 'open' && breaker.forMs > 0) {
    const until = time(Math.round((clock.wall() + breaker.forMs) / 1000) * 1000);
    return `the breaker is open after failures: its host is left alone until ${until}`;
  }
  if (breaker !== undefined)
    return 'the breaker lets one request at a time to its host, to see whether it answers again';
  const rate = outgoing.permissions.rateOf(live);
  if (rate !== undefined && keys.rateAllowance(key, rate.requests, rate.perMs, clock.wall()) === 0) {
    return `its rate: ${rate.requests} in ${seconds(rate.perMs)}`;
  }
  return keys.placesTaken(key, clock.wall()) < concurrency
    ? undefined
    : `its concurrency: ${concurrency} are on their way`;
}

function whyFull(fn: LiveFunction, trigger: LiveTrigger | undefined, parts: WorkerParts): string | undefined {
  const { concurrency: most } = fn.entry.limits;
  if (parts.inflight.total(fn.index) >= most) return `limits.concurrency: ${most} calls of the function run`;
  if (trigger === undefined || (trigger.entry.kind !== 'http' && trigger.entry.kind !== 'event')) return undefined;
  const { concurrency } = trigger.entry;
  const rate = trigger.entry.kind === 'http' ? trigger.entry.rate : undefined;
  const scope = limitScope(fn, trigger);
  const now = parts.clock.wall();
  if (concurrency !== undefined && trigger.expressions.concurrencyKey === undefined) {
    const { limit } = concurrency;
    if (parts.keys.placesTaken(scope, now) >= limit) return `the trigger's concurrency: ${limit} of its calls run`;
  }
  if (rate === undefined || trigger.expressions.rateKey !== undefined) return undefined;
  if (parts.keys.rateAllowance(scope, rate.requests, rate.perMs, now) > 0) return undefined;
  return `the trigger's rate: ${rate.requests} in ${seconds(rate.perMs)}`;
}

const listed = (handlers: ReadonlySet<string>): string =>
  handlers.size === 0 ? 'none' : [...handlers].sort().join(', ');
const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;
const time = (milliseconds: number): string => new Date(milliseconds).toISOString();
