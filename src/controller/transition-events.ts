/** Which Kubernetes Events a new status is worth: those that somebody who looks at the resource wants to have seen. */
import type { ResourceStatus } from './watched-resources.ts';

export interface Transition {
  readonly type: 'Normal' | 'Warning';
  /** Of the condition. */
  readonly reason: string;
  readonly message: string;
}

/** Which Event a status is worth; undefined: none. */
export type JudgeStatus = (status: ResourceStatus | undefined) => Transition | undefined;

/** Longest note the API server takes (events.k8s.io: 1,024 bytes; characters may have three). */
const longestNote = 340;

/** `Ready` repeats the reason of the condition that decides; `Healthy` is about the receiver of a subscription. */
const told: ReadonlySet<string> = new Set(['Ready', 'Healthy', 'Stranded']);
/** Something is wrong while they are `True`. */
const abnormal: ReadonlySet<string> = new Set(['Stranded']);

export function transitionsBetween(current: ResourceStatus | undefined, next: ResourceStatus): readonly Transition[] {
  return (next.conditions ?? []).flatMap(({ type, status, reason, message }) => {
    if (!told.has(type) || status === 'Unknown') return [];
    const before = current?.conditions?.find((condition) => condition.type === type);
    if (before?.status === status && before.reason === reason) return [];
    const note = message.length > longestNote ? `${message.slice(0, longestNote - 2)} …` : message;
    const fine = (status === 'True') !== abnormal.has(type);
    return [{ type: fine ? 'Normal' : 'Warning', reason, message: note }];
  });
}
