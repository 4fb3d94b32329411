/** How a call can end: the `outcome` of its record and of `moonhook_function_invocations_total`. */

export const outcomes = [
  'ok',
  'accepted',
  'filtered',
  'duplicate',
  'unmatched',
  'unverified',
  'unresolved',
  'limited',
  'overloaded',
  'suspended',
  'error',
  'timeout',
  'cpu',
  'memory',
  'dead',
  'cancelled',
  'superseded',
] as const;

export type Outcome = (typeof outcomes)[number];

/** Position of each outcome in a row of counters. */
export const outcomeIndex: Readonly<Record<Outcome, number>> = Object.freeze(
  Object.fromEntries(outcomes.map((outcome, index) => [outcome, index])) as Record<Outcome, number>,
);
