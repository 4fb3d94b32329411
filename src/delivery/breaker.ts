/** A circuit breaker: after too many failures a destination's host is left alone, then tried with one probe. Pure state. */

export interface BreakerState {
  readonly kind: 'closed' | 'open' | 'halfOpen';
  /** Failures in a row. */
  readonly consecutive: number;
  /** Outcomes of the current window. */
  readonly windowStart: number;
  readonly successes: number;
  readonly failures: number;
  /** Open: until when; half-open: the probe's own time limit. */
  readonly until: number;
  /** How long it was open the last time. */
  readonly openMs: number;
}

const windowMs = 30_000;
const consecutiveLimit = 10;
const windowMinimum = 20;
const firstOpenMs = 30_000;
const longestOpenMs = 600_000;
/** A probe that never reports (its process died) lets another one go. */
const probeMs = 60_000;

export const closedBreaker: BreakerState = {
  kind: 'closed',
  consecutive: 0,
  windowStart: 0,
  successes: 0,
  failures: 0,
  until: 0,
  openMs: 0,
};

/** Whether a delivery may go now; if not, how long to wait. Taking the probe changes the state. */
export function admit(
  state: BreakerState,
  now: number,
):
  | { readonly state: BreakerState; readonly go: true }
  | { readonly state: BreakerState; readonly go: false; readonly waitMs: number } {
  if (state.kind === 'closed') return { state, go: true };
  if (now < state.until) return { state, go: false, waitMs: state.until - now };
  return { state: { ...state, kind: 'halfOpen', until: now + probeMs }, go: true };
}

export function report(state: BreakerState, health: 'success' | 'failure', now: number): BreakerState {
  if (state.kind !== 'closed' && health === 'success') return { ...closedBreaker, windowStart: now };
  // Requests that were on their way when it opened are no probes.
  if (state.kind === 'open' && now < state.until) return state;
  if (state.kind !== 'closed') return open(state, now);
  const fresh = now - state.windowStart >= windowMs;
  const successes = (fresh ? 0 : state.successes) + (health === 'success' ? 1 : 0);
  const failures = (fresh ? 0 : state.failures) + (health === 'failure' ? 1 : 0);
  const consecutive = health === 'failure' ? state.consecutive + 1 : 0;
  const next = { ...state, windowStart: fresh ? now : state.windowStart, successes, failures, consecutive };
  const total = successes + failures;
  const tooMany = consecutive >= consecutiveLimit || (total >= windowMinimum && failures * 2 >= total);
  return tooMany && health === 'failure' ? open(next, now) : next;
}

function open(state: BreakerState, now: number): BreakerState {
  const openMs = state.kind === 'closed' ? firstOpenMs : Math.min(longestOpenMs, state.openMs * 2);
  return { ...closedBreaker, kind: 'open', until: now + openMs, openMs };
}
