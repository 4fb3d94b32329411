/**
 * Whether a namespace went to another runtime group without anybody saying from where: what its old group had accepted waits
 * there, and only the operator can have it run. Pure.
 */
import type { Condition } from '../function/types.ts';
import { defaultGroup } from '../policy/runtime-groups.ts';

export interface MoveFacts {
  readonly namespace: string;
  /** That serves it now; absent: the default one. */
  readonly group: string | undefined;
  /** Groups that the policy says it was in. */
  readonly leaving: readonly string[];
  /** `runtimeGroup` of the status before. Nothing is decided by it but this: whoever may write a status chooses no runtimes. */
  readonly before: unknown;
}

export interface MoveJudgement {
  /** For the status: where its stored events are, as far as anybody said. */
  readonly runtimeGroup: string;
  /** Absent: nothing is left behind that nobody runs. */
  readonly stranded?: Pick<Condition, 'status' | 'reason' | 'message'>;
}

export function judgeMove({ namespace, group = defaultGroup, leaving, before }: MoveFacts): MoveJudgement {
  if (typeof before !== 'string' || before === '' || before === group || leaving.includes(before)) {
    return { runtimeGroup: group };
  }
  const message =
    `the namespace moved from the runtime group "${before}" to "${group}", and the installation does not say so: ` +
    `what "${before}" had accepted waits in its store and is not run. The operator adds ` +
    `{ namespace: ${namespace}, from: ${before} } to runtimeMoves, and takes it out when nothing waits there`;
  return { runtimeGroup: before, stranded: { status: 'True', reason: 'MoveNotDeclared', message } };
}
