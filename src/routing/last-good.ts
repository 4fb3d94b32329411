/**
 * Last good covers code and modules only: a revision whose code is rejected keeps the code that served before, under the
 * new revision's routes, receivers, secrets, limits and suspension. What the kept code cannot answer answers 503.
 */
import { findHandler, missingHandlers, verifierOf } from './find-handler.ts';
import type { Acknowledgement, CodeEntry, FunctionEntry } from './types.ts';

/** Reason of an acknowledgement that takes over the gates without having judged the code. */
export const unjudgedReason = 'NotResolved';

/** Code that is loaded and answers. */
export interface ServingCode {
  readonly code: CodeEntry;
  /** Handlers the module returned. */
  readonly handlers: readonly string[];
  /** Revision this code belongs to: `status.servingRevision`. */
  readonly revision: string;
}

/** Why a runtime refuses a revision. */
export type Rejection = Pick<Acknowledgement, 'message' | 'line' | 'column' | 'file' | 'suggestion'> & {
  /** Stable: `LuaSyntax`, `LuaLoad`, `NoHandler` … */
  readonly reason: string;
};

/** One load of one candidate, with the environment, limits and expressions of the new revision. */
export interface LoadAttempt {
  readonly code: CodeEntry;
  readonly outcome:
    | { readonly ok: true; readonly handlers: readonly string[] }
    | { readonly ok: false; readonly rejection: Rejection };
}

/** What to load next: the revision's own code, then, if that does not serve, the code that serves now; undefined: decide. */
export function nextCandidate(
  serving: ServingCode | undefined,
  next: FunctionEntry,
  attempts: readonly LoadAttempt[],
): CodeEntry | undefined {
  if (attempts.length === 0 && !lacksCode(next)) return next.code;
  if (serving === undefined || judge(next, attempts).kind === 'accepted') return undefined;
  const tried = attempts.some(({ code }) => code.codeRevision === serving.code.codeRevision);
  return tried ? undefined : serving.code;
}

/** Key of a loaded program: the revision, and which code it runs where that is an older one. */
export function programRevision(next: FunctionEntry, code: CodeEntry): string {
  return code.codeRevision === next.code.codeRevision ? next.revision : `${next.revision}~${code.codeRevision}`;
}

/** How a trigger is answered under the new revision. */
export type TriggerAnswer =
  | { readonly handler: string }
  | { readonly unavailable: 'NotResolved' | 'HandlerMissing'; readonly message: string };

export interface ServingDecision {
  readonly acknowledgement: Acknowledgement;
  /** Undefined: no code of this function ever loaded; everything answers 503. */
  readonly serving?: ServingCode;
  /** True: an older code serves under the new gates. */
  readonly lastGood: boolean;
  /** Why the revision's own code does not serve. */
  readonly rejection?: Rejection;
}

/**
 * Decides what serves after the candidates were tried. `serving` is what served before; it is kept only if it loaded again
 * under the new revision (a secret that is gone must not live on in an old image).
 */
export function decideServing(
  serving: ServingCode | undefined,
  next: FunctionEntry,
  attempts: readonly LoadAttempt[],
): ServingDecision {
  const judgement = judge(next, attempts);
  const rejection = judgement.kind === 'rejected' ? judgement.rejection : undefined;
  const chosen =
    judgement.kind === 'accepted'
      ? loaded(next.code, next.revision, attempts)
      : serving && loaded(serving.code, serving.revision, attempts);
  const acknowledgement: Acknowledgement = {
    uid: next.uid,
    revision: next.revision,
    accepted: rejection === undefined,
    ...(chosen === undefined || judgement.kind === 'unjudged' ? {} : { servingRevision: chosen.revision }),
    ...(judgement.kind === 'unjudged' ? { reason: unjudgedReason } : rejection),
  };
  return {
    acknowledgement,
    ...(chosen === undefined ? {} : { serving: chosen }),
    lastGood: rejection !== undefined && chosen !== undefined,
    ...(rejection === undefined ? {} : { rejection }),
  };
}

type Judgement =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** Something the code needs is missing, so what it does says nothing about the code. */
  | { readonly kind: 'unjudged' };

function judge(next: FunctionEntry, attempts: readonly LoadAttempt[]): Judgement {
  if (lacksCode(next)) return { kind: 'unjudged' };
  const attempt = attempts.find(({ code }) => code.codeRevision === next.code.codeRevision);
  if (attempt === undefined) {
    return {
      kind: 'rejected',
      rejection: { reason: 'NotLoaded', message: 'the code of this revision was not loaded' },
    };
  }
  if (!attempt.outcome.ok) {
    const { rejection } = attempt.outcome;
    // Code that trips over an absent variable at load is not at fault; a syntax error is one in any environment.
    if (next.unresolved !== undefined && rejection.reason !== 'LuaSyntax') return { kind: 'unjudged' };
    return { kind: 'rejected', rejection };
  }
  const [missing] = missingHandlers(next.triggers, new Set(attempt.outcome.handlers));
  if (missing === undefined) return { kind: 'accepted' };
  const { message, suggestion } = missing;
  return {
    kind: 'rejected',
    rejection: { reason: 'NoHandler', message, ...(suggestion === undefined ? {} : { suggestion }) },
  };
}

/** The code itself is one of the things that do not resolve. */
function lacksCode(next: FunctionEntry): boolean {
  return next.unresolved !== undefined && next.code.code === '';
}

function loaded(code: CodeEntry, revision: string, attempts: readonly LoadAttempt[]): ServingCode | undefined {
  const attempt = attempts.find((each) => each.code.codeRevision === code.codeRevision);
  if (attempt === undefined || !attempt.outcome.ok) return undefined;
  return { code, handlers: attempt.outcome.handlers, revision };
}

/** How one trigger is answered after a decision. */
export function answerOf(
  next: FunctionEntry,
  trigger: FunctionEntry['triggers'][number],
  {
    serving: chosen,
    rejection,
  }: { readonly serving?: ServingCode | undefined; readonly rejection?: Rejection | undefined },
): TriggerAnswer {
  const unresolved = next.unresolved ?? trigger.unresolved;
  if (unresolved !== undefined) return { unavailable: 'NotResolved', message: unresolved.message };
  if (chosen === undefined) {
    const why = rejection?.message ?? 'its code was rejected';
    return { unavailable: 'NotResolved', message: `no version of this function has loaded yet: ${why}` };
  }
  const handlers = new Set(chosen.handlers);
  const handler = findHandler(trigger.handlers, handlers);
  const verifier = verifierOf(trigger);
  if (handler !== undefined && handlers.has(verifier ?? handler)) return { handler };
  const missing = handler === undefined ? trigger.handlers[0] : verifier;
  const message = `the code of revision ${chosen.revision} that still serves has no handler "${missing ?? 'default'}"`;
  return { unavailable: 'HandlerMissing', message };
}
