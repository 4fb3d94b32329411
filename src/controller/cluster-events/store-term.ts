/** One trigger at the store: a term is opened, told what differs, committed; whoever opens a later one fences it off. */
import type { KnownObject, TriggerKey } from '../../link/append-messages.ts';
import type { Clock } from '../clock.ts';
import type { AskRuntimes, RuntimeAnswer } from './ask-runtimes.ts';
import { createKnownRows } from './known-rows.ts';
import type { ObjectView } from './object-view.ts';
import type { PendingChanges } from './pending-changes.ts';
import type { TriggerPlan } from './plan-triggers.ts';
import { pendingState, type TriggerState } from './trigger-state.ts';

/** Steps answer why they could not be taken; undefined: it is done, or no longer wanted. */
export interface StoreTerm {
  readonly opened: boolean;
  /** The store knows all that was there when the trigger began. */
  readonly ready: boolean;
  /** When it became ready, if that was in this process. */
  readonly since: string | undefined;
  /** After runtimes came or went it may be another store, which knows nothing. */
  readonly doubted: boolean;
  doubt(): void;
  /** It must be opened again. */
  lose(): void;
  open(view: ObjectView, pending: PendingChanges): Promise<TriggerState | undefined>;
  /** Whether it is the store of before. Without a runtime there is nothing to do. */
  check(): Promise<void>;
  tell(pending: PendingChanges): Promise<TriggerState | undefined>;
  commit(): Promise<TriggerState | undefined>;
}

export interface TermOptions {
  readonly plan: TriggerPlan;
  readonly clock: Clock;
  readonly ask: AskRuntimes;
  readonly signal: AbortSignal;
  /** Of the leader. */
  epoch(): number;
  /** The store has nothing of a trigger that it had been ready for. */
  onFresh(): void;
  onStored(events: number): void;
}

/** A leader that is outranked for longer than any lease is the real one: the count of elections began anew. */
const outrankedMs = 30_000;

export function createStoreTerm(options: TermOptions): StoreTerm {
  const { plan, clock, ask, signal } = options;
  const key: TriggerKey = { function: plan.functionUid, trigger: plan.trigger };
  /** Undefined: it must be opened. */
  let place: (TriggerKey & { readonly term: number }) | undefined;
  let ready = false;
  let since: string | undefined;
  let doubted = false;
  let outrankedSince: number | undefined;

  async function rowsOf(opened: TriggerKey & { readonly term: number }): Promise<readonly KnownObject[] | undefined> {
    const rows = createKnownRows();
    while (rows.after !== undefined) {
      const said = await ask({ op: 'rows', ...opened, after: rows.after }, signal);
      if (said.kind !== 'answered' || said.answer.kind !== 'rows' || !rows.take(said.answer)) return undefined;
    }
    return rows.all;
  }

  return {
    get opened() {
      return place !== undefined;
    },
    get ready() {
      return ready;
    },
    get since() {
      return since;
    },
    get doubted() {
      return doubted;
    },
    doubt() {
      doubted = true;
    },
    lose() {
      place = undefined;
    },
    async open(view, pending) {
      const force = outrankedSince !== undefined && clock.now() - outrankedSince >= outrankedMs;
      const said = await ask({ op: 'open', ...key, epoch: options.epoch(), force, selection: plan.selection }, signal);
      if (said.kind !== 'answered') return pendingState(said.message, 'NoRuntime');
      const { answer } = said;
      if (answer.kind === 'outranked') {
        outrankedSince ??= clock.now();
        return pendingState(`a leader of a later election (${answer.epoch}) has the trigger`, 'Outranked');
      }
      if (answer.kind !== 'opened') return refusal(said);
      outrankedSince = undefined;
      const opened = { ...key, term: answer.term };
      const rows = await rowsOf(opened);
      if (rows === undefined) return pendingState('what the store knows could not be read', 'StoreRefuses');
      // The account may have lost its rights meanwhile: an empty copy says nothing.
      if (!view.whole) return undefined;
      place = opened;
      ready = answer.state === 'resumed';
      if (answer.state === 'fresh') options.onFresh();
      pending.begin(rows, !ready);
      return undefined;
    },
    async check() {
      doubted = false;
      if (place === undefined) return;
      const said = await ask({ op: 'check', ...place }, signal);
      if (isFenced(said)) place = undefined;
      if (said.kind === 'uncertain') doubted = true;
    },
    async tell(pending) {
      if (place === undefined) return undefined;
      const batch = pending.take();
      if (batch.puts.length === 0) return undefined;
      const { expressions } = plan;
      const said = await ask({ op: 'put', ...place, expressions, changes: batch.puts }, signal);
      if (said.kind === 'answered' && said.answer.kind === 'done') {
        pending.told(batch);
        options.onStored(said.answer.events);
        return undefined;
      }
      pending.giveBack(batch);
      // What may have arrived late must not be taken after what follows: only a new term rules that out.
      if (said.kind === 'uncertain' || isFenced(said)) place = undefined;
      return refusal(said);
    },
    async commit() {
      if (place === undefined) return undefined;
      const said = await ask({ op: 'commit', ...place }, signal);
      if (said.kind === 'answered' && said.answer.kind === 'done') {
        ready = true;
        since = new Date(clock.wallNow()).toISOString().replace(/\.\d+Z$/, 'Z');
        return undefined;
      }
      place = undefined;
      return refusal(said);
    },
  };
}

function isFenced(said: RuntimeAnswer): boolean {
  return said.kind === 'answered' && said.answer.kind === 'fenced';
}

function refusal(said: RuntimeAnswer): TriggerState {
  if (said.kind !== 'answered') return pendingState(said.message, 'StoreRefuses');
  const { answer } = said;
  return pendingState('message' in answer ? answer.message : `the store answered ${answer.kind}`, 'StoreRefuses');
}
