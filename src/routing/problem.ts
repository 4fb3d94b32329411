/** What a build finds wrong with a function: data for its conditions, and what it means for serving. */
import type { Unresolved } from './types.ts';

/** One finding. `Accepted`: the resource itself is at fault; `ResolvedRefs`: something it refers to. */
export interface Problem {
  readonly condition: 'Accepted' | 'ResolvedRefs';
  /** Stable. */
  readonly reason: string;
  /** Inside the resource: `spec.triggers[0].http.path`. */
  readonly path?: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** A finding against the resource itself. */
export function notAccepted(reason: string, path: string, message: string): Problem {
  return { condition: 'Accepted', reason, path, message };
}

/** A finding against something the resource refers to. */
export function notResolved(reason: string, path: string, message: string): Problem {
  return { condition: 'ResolvedRefs', reason, path, message };
}

/** `spec.env[0]: Secret slack does not exist`. */
export function describeProblem(problem: Problem): string {
  return problem.path === undefined ? problem.message : `${problem.path}: ${problem.message}`;
}

/** Why a part cannot serve: its first finding; undefined without one. */
export function unresolvedBy(problems: readonly Problem[]): Unresolved | undefined {
  const [first] = problems;
  return first === undefined ? undefined : { reason: first.reason, message: describeProblem(first) };
}
