/** Which deliveries a request means, out of its query or body: the function or subscription, times, states. Pure. */
import { largestGeneration } from '../../delivery/replay-jobs.ts';
import type { DeliveryState } from '../../store/store.ts';

export interface Subject {
  readonly kind: 'function' | 'subscription';
  readonly name: string;
  readonly trigger?: string;
}

type Fields = Readonly<Record<string, unknown>>;

const namePattern = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;

/** `function` (with `trigger`) or `subscription`; undefined: neither; a text: what is wrong. */
export function readSubjectFields(fields: Fields): Subject | string | undefined {
  const { function: own, subscription, trigger } = fields;
  if (own !== undefined && subscription !== undefined) return 'name a function or a subscription, not both';
  const name = own ?? subscription;
  if (name === undefined) return trigger === undefined ? undefined : 'a trigger needs its function';
  if (typeof name !== 'string' || !namePattern.test(name)) return `${JSON.stringify(name)} is not a name`;
  if (subscription !== undefined) {
    return trigger === undefined ? { kind: 'subscription', name } : 'a subscription has no triggers';
  }
  if (trigger === undefined) return { kind: 'function', name };
  if (typeof trigger !== 'string' || !namePattern.test(trigger)) return `${JSON.stringify(trigger)} is not a name`;
  return { kind: 'function', name, trigger };
}

/** `since` and `until`: RFC 3339, of the event; a text: what is wrong. */
export function readTimes(fields: Fields): { readonly since?: number; readonly until?: number } | string {
  const times: { since?: number; until?: number } = {};
  for (const field of ['since', 'until'] as const) {
    const text = fields[field];
    if (text === undefined) continue;
    const time = typeof text === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(time)) return `${field} must be a time such as 2026-01-31T12:00:00Z, not ${JSON.stringify(text)}`;
    times[field] = time;
  }
  return times;
}

/** What a replay takes of what has ended: dead and cancelled ones, only dead ones, or done and filtered ones, too. */
export function replayedStates(fields: Fields): readonly DeliveryState[] | string {
  if (fields['all'] === true && fields['dead'] === true) return 'all and dead exclude each other';
  if (fields['all'] === true) return ['done', 'filtered', 'dead', 'cancelled'];
  return fields['dead'] === true ? ['dead'] : ['dead', 'cancelled'];
}

/** Undefined: the runtime chooses; a text: what is wrong. */
export function readGeneration(value: unknown): number | string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= largestGeneration) return value;
  return `generation must be a whole number from 1 to ${largestGeneration}: a repeat with the same one is harmless`;
}
