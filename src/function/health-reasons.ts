/** Reasons of the condition `Healthy` of a subscription alone: how its receiver is doing. */
import type { Condition, ConditionType } from './types.ts';

export interface ReasonEntry {
  /** Conditions it appears on; `Ready` and `Stalled` repeat the reason of the condition that decides. */
  readonly types: readonly (ConditionType | 'Healthy' | 'Stranded')[];
  readonly status: Condition['status'];
  readonly meaning: string;
  /** What its reader can do. */
  readonly action: string;
}

export const healthReasons = {
  Healthy: { types: ['Healthy'], status: 'True', meaning: 'The receiver took the last event.', action: 'Nothing.' },
  Failing: {
    types: ['Healthy'],
    status: 'False',
    meaning: 'The receiver refused the last event or was not reached; it is tried again by the retry schedule.',
    action: 'The message holds what it answered; `moonhook ping whs/NAME` tries once more.',
  },
  SwitchedOffGone: {
    types: ['Healthy'],
    status: 'False',
    meaning: 'The receiver answered 410 Gone: nothing is sent any more.',
    action: 'Delete the subscription; or, once the receiver answers again, `moonhook ping whs/NAME` or edit its spec.',
  },
  SwitchedOffOnlyFailures: {
    types: ['Healthy'],
    status: 'False',
    meaning: 'For five days every attempt has failed: nothing is sent any more.',
    action: 'Mend the receiver, then `moonhook ping whs/NAME`, or edit the spec of the subscription.',
  },
} as const satisfies Record<string, ReasonEntry>;
