/** The breakers of one worker, by namespace and host of the receiver. */
import { admit, closedBreaker, report, type BreakerState } from './breaker.ts';

/** A breaker that is not closed. */
export interface OpenBreaker {
  readonly key: string;
  readonly kind: 'open' | 'halfOpen';
  /** Milliseconds from now. */
  readonly forMs: number;
}

export interface Breakers {
  /** Whether one may go, without taking the place of a probe: 0 now, else how long to wait. */
  waitOf(key: string): number;
  /** Takes the place of a probe; the answer says how long to wait if none may go. */
  admit(key: string): { readonly go: true } | { readonly go: false; readonly waitMs: number };
  report(key: string, health: 'success' | 'failure'): void;
  /** At most one goes at a time: an open breaker lets its probe out. */
  isProbing(key: string): boolean;
  open(): readonly OpenBreaker[];
}

/** Closed breakers without a failure are forgotten, so the map holds what is in trouble. */
export function createBreakers(now: () => number): Breakers {
  const states = new Map<string, BreakerState>();
  return {
    waitOf(key) {
      const state = states.get(key);
      return state === undefined || state.kind === 'closed' ? 0 : Math.max(0, state.until - now());
    },
    admit(key) {
      const state = states.get(key);
      if (state === undefined) return { go: true };
      const verdict = admit(state, now());
      if (!verdict.go) return { go: false, waitMs: verdict.waitMs };
      states.set(key, verdict.state);
      return { go: true };
    },
    report(key, health) {
      const state = states.get(key);
      if (health === 'success' && (state === undefined || state.kind !== 'closed')) {
        states.delete(key);
        return;
      }
      const next = report(state ?? { ...closedBreaker, windowStart: now() }, health, now());
      if (next.kind === 'closed' && next.failures === 0) states.delete(key);
      else states.set(key, next);
    },
    isProbing: (key) => (states.get(key)?.kind ?? 'closed') !== 'closed',
    open: () =>
      [...states].flatMap(([key, { kind, until }]) =>
        kind === 'closed' ? [] : [{ key, kind, forMs: Math.max(0, until - now()) }],
      ),
  };
}

/** Namespaces do not share breakers: what one sends must not keep another's from going. */
export function breakerKey(namespaceUid: string, url: string): string {
  return `${namespaceUid} ${URL.parse(url)?.host ?? ''}`;
}
