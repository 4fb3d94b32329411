/**
 * Whether a status has to be written. Not for every difference: a pod that comes or goes, a controller that has just
 * started and has not heard of the runtimes yet, and counts on the way to the end are no news of the function.
 */
import { isDeepStrictEqual } from 'node:util';
import { compareTexts } from '../function/compare-texts.ts';
import type { ResourceStatus } from './watched-resources.ts';

export type StatusDecision =
  /** Nothing to say. */
  | 'keep'
  | 'now'
  /** It is about to be another one: only if it stays. */
  | 'soon'
  /** Times and health only. */
  | 'eventually';

/** Reasons of `Programmed` that say that nothing was heard, not that anything is wrong with the function. */
const silence: ReadonlySet<string> = new Set(['Pending', 'NoRuntimes', 'RuntimeUnreachable']);

/** Conditions whose words change only with the resource or what it refers to. */
const ownWords: ReadonlySet<string> = new Set(['Accepted', 'ResolvedRefs', 'Stalled', 'Stranded']);

export function decideStatus(current: ResourceStatus | undefined, desired: ResourceStatus): StatusDecision {
  if (current !== undefined && isDeepStrictEqual(plain(current), plain(desired))) return 'keep';
  const same = current?.revision === desired.revision && current?.observedGeneration === desired.observedGeneration;
  if (same && current !== undefined) {
    if (knewMore(current, desired)) return 'keep';
    if (isDeepStrictEqual(essence(current), essence(desired))) {
      return isDeepStrictEqual(times(current), times(desired)) ? 'keep' : 'eventually';
    }
  }
  const waits = desired.conditions?.some(({ status, reason }) => status === 'Unknown' && reason === 'Pending') === true;
  const fails = desired.conditions?.some(({ status, type }) => status === 'False' && ownWords.has(type)) === true;
  return waits && !fails ? 'soon' : 'now';
}

/** The runtimes had said that they run this revision; now there is only silence. */
function knewMore(current: ResourceStatus, desired: ResourceStatus): boolean {
  const was = conditionOf(current, 'Programmed');
  const is = conditionOf(desired, 'Programmed');
  if (was?.status !== 'True' || is === undefined || is.status === 'True' || !silence.has(is.reason)) return false;
  // Another group is to serve it: what the runtimes of the one before said counts no more.
  if (conditionOf(current, 'Stranded')?.reason !== conditionOf(desired, 'Stranded')?.reason) return false;
  const group = current['runtimeGroup'];
  if (group !== undefined && group !== desired['runtimeGroup']) return false;
  const refs = conditionOf(current, 'ResolvedRefs');
  const refsNow = conditionOf(desired, 'ResolvedRefs');
  return refs?.status === refsNow?.status && refs?.reason === refsNow?.reason && refs?.message === refsNow?.message;
}

function conditionOf(
  status: ResourceStatus,
  type: string,
): NonNullable<ResourceStatus['conditions']>[number] | undefined {
  return status.conditions?.find((condition) => condition.type === type);
}

/** Without the times of transition, which follow from the rest. */
function plain(status: ResourceStatus): unknown {
  const { conditions = [], refreshRequested: _asked, ...rest } = status;
  const words = conditions.map(({ lastTransitionTime: _time, ...condition }) => condition);
  return { ...rest, conditions: words.toSorted((a, b) => compareTexts(a.type, b.type)) };
}

/** What is news: no counts, no times. */
function essence(status: ResourceStatus): unknown {
  const {
    conditions = [],
    programmed: _count,
    lastSuccess: _s,
    lastFailure: _f,
    breaker: _b,
    refreshRequested: _asked,
    triggers,
    ...rest
  } = status;
  return {
    ...rest,
    triggers: (Array.isArray(triggers) ? triggers : []).map((trigger: Readonly<Record<string, unknown>>) => {
      const { lastScheduleTime: _last, nextScheduleTime: _next, ...known } = trigger;
      return known;
    }),
    conditions: conditions
      .map(({ type, status, reason, message }) => [type, status, reason, ownWords.has(type) ? message : ''])
      .sort(([a = ''], [b = '']) => compareTexts(a, b)),
  };
}

function times({ triggers, lastSuccess, lastFailure, breaker }: ResourceStatus): unknown {
  return { triggers, lastSuccess, lastFailure, breaker };
}
