/**
 * The breakers of outgoing requests, by namespace and host of the receiver. Every worker of a process hears every report, so
 * all have the same; transitions are written with what caused them, so a restart and other processes know them too.
 */
import type { KeyValueWrite, Store } from '../store/store.ts';
import type { KeyValueScope } from '../store/types.ts';
import { admit, closedBreaker, report, type BreakerState } from './breaker.ts';

/** A breaker that is not closed. */
export interface OpenBreaker {
  readonly key: string;
  readonly kind: 'open' | 'halfOpen';
  /** Milliseconds from now. */
  readonly forMs: number;
}

/** What one worker tells the others. */
export interface BreakerReport {
  readonly key: string;
  readonly health: 'success' | 'failure';
  /** Wall clock. */
  readonly at: number;
}

export interface BreakerSources {
  readonly store: Pick<Store, 'get'>;
  /** Wall clock: states are kept between processes. */
  now(): number;
  /** Takes the one place for a probe of a host in this process; answers what gives it back. */
  takeProbe(key: string): (() => void) | undefined;
  share(report: BreakerReport): void;
}

export type Admission =
  | { readonly go: true; /** The request has ended. */ release(): void }
  | { readonly go: false; readonly waitMs: number };

export interface Breakers {
  /** Reads what other processes wrote, now and then; undefined: known. */
  refresh(key: string): Promise<void> | undefined;
  /** Whether one may go, without taking the place of a probe: 0 now, else how long to wait. */
  waitOf(key: string): number;
  /** Takes the place of a probe; the answer says how long to wait if none may go. */
  admit(key: string): Admission;
  /** What is to be written with the ending of the attempt: nothing but transitions. */
  report(key: string, health: 'success' | 'failure'): readonly KeyValueWrite[];
  /** A report of another worker. */
  hear(report: BreakerReport): void;
  /** At most one goes at a time: an open breaker lets its probe out. */
  isProbing(key: string): boolean;
  open(): readonly OpenBreaker[];
}

interface KeptBreaker {
  readonly until: number;
  readonly openMs: number;
}

const refreshMs = 30_000;
const otherProbeMs = 1_000;
const mostKnown = 10_000;
/** Room is made for many at once. */
const fewerKnown = 9_000;
const forgetMs = 60_000;
const nothing = (): void => undefined;

/** Closed breakers without a failure are forgotten, so the map holds what is in trouble. */
export function createBreakers({ store, now, takeProbe, share }: BreakerSources): Breakers {
  const states = new Map<string, BreakerState>();
  const readAt = new Map<string, number>();

  async function read(key: string): Promise<void> {
    const { scope, name } = placeOf(key);
    const row = await store.get(scope, name);
    if (row === undefined || (states.get(key)?.kind ?? 'closed') !== 'closed') return;
    const { until, openMs } = JSON.parse(Buffer.from(row.value).toString('utf8')) as KeptBreaker;
    keep(key, { ...closedBreaker, kind: 'open', until, openMs }, now());
  }

  function take({ key, health, at }: BreakerReport): readonly KeyValueWrite[] {
    const before = states.get(key);
    if (health === 'success' && before?.kind !== 'closed') {
      states.delete(key);
      return before === undefined ? [] : [kept(key, undefined)];
    }
    const next = report(before ?? { ...closedBreaker, windowStart: at }, health, at);
    if (next.kind === 'closed' && next.failures === 0) states.delete(key);
    else keep(key, next, at);
    return next.kind === 'open' && next !== before ? [kept(key, next)] : [];
  }

  /** Hosts come from callers, too: of many, those that say nothing any more are forgotten, then the oldest. */
  function keep(key: string, state: BreakerState, at: number): void {
    if (states.size >= mostKnown && !states.has(key)) {
      for (const [other, { kind, windowStart, until }] of states) {
        if (kind === 'closed' ? at - windowStart >= forgetMs : at - until >= forgetMs) states.delete(other);
      }
      for (const other of states.keys()) {
        if (states.size < fewerKnown) break;
        states.delete(other);
      }
    }
    states.set(key, state);
  }

  return {
    refresh(key) {
      const last = readAt.get(key);
      const time = now();
      if (last !== undefined && time - last < refreshMs) return undefined;
      if (readAt.size >= mostKnown) readAt.clear();
      readAt.set(key, time);
      return read(key);
    },
    waitOf(key) {
      const state = states.get(key);
      return state === undefined || state.kind === 'closed' ? 0 : Math.max(0, state.until - now());
    },
    admit(key) {
      const state = states.get(key);
      if (state === undefined || state.kind === 'closed') return { go: true, release: nothing };
      const verdict = admit(state, now());
      if (!verdict.go) return { go: false, waitMs: verdict.waitMs };
      const release = takeProbe(key);
      if (release === undefined) return { go: false, waitMs: otherProbeMs };
      states.set(key, verdict.state);
      return { go: true, release };
    },
    report(key, health) {
      // A success of a host without trouble is no news.
      if (health === 'success' && !states.has(key)) return [];
      const told = { key, health, at: now() };
      share(told);
      return take(told);
    },
    hear: (told) => void take(told),
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

function placeOf(key: string): { readonly scope: KeyValueScope; readonly name: string } {
  const at = key.indexOf(' ');
  return { scope: { namespaceUid: key.slice(0, at), space: '.breakers' }, name: key.slice(at + 1) };
}

function kept(key: string, state: BreakerState | undefined): KeyValueWrite {
  const { scope, name } = placeOf(key);
  if (state === undefined) return { scope, key: name, change: { kind: 'delete' }, owed: true };
  const { until, openMs } = state;
  const value = Buffer.from(JSON.stringify({ until, openMs } satisfies KeptBreaker));
  return { scope, key: name, change: { kind: 'set', value, ttlMs: keptMs }, owed: true };
}

/** Longer than a breaker stays open: then nobody has sent there for a while. */
const keptMs = 24 * 3_600_000;
