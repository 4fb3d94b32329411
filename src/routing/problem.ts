/** What a build finds wrong with a function: data for its conditions, and what it means for serving. */
import type { Problem, Unresolved } from './types.ts';

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
