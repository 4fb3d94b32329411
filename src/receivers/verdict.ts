/** Builders of verdicts: the last step of a refusal carries its cause. */
import { refusalReasons, type RefusalReason } from './reasons.ts';
import type { Proof, RefusedSender, Step, VerifiedSender } from './types.ts';

/** A refusal at `step`, after the steps that passed. */
export function refuse(
  reason: RefusalReason,
  step: string,
  passed: readonly Step[] = [],
  detail?: string,
): RefusedSender {
  const cause = refusalReasons[reason];
  return {
    verdict: 'refused',
    reason,
    steps: [...passed, { step, ok: false, detail: detail === undefined ? cause : `${detail}: ${cause}` }],
  };
}

/** A pass with the proof the sender gave. */
export function accept(proof: Proof, steps: readonly Step[], subject?: string): VerifiedSender {
  return { verdict: 'verified', proof, steps, ...(subject === undefined ? {} : { subject }) };
}
