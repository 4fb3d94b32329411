/** The entry and verdict of a function once routes and quotas are settled between all of them. */
import type { Condition } from '../function/types.ts';
import { defaultGroup } from '../policy/runtime-groups.ts';
import type { LostRoute } from './assign-routes.ts';
import { hashOf, type BuiltFunction } from './build-function.ts';
import { describeProblem } from './problem.ts';
import type { FunctionEntry, FunctionVerdict, HttpTriggerEntry, Problem, TriggerEntry } from './types.ts';

export interface FinishedFunction {
  readonly built: BuiltFunction;
  readonly findings: { readonly denied: Problem | undefined; readonly lost: readonly LostRoute[] | undefined };
  /** Undefined: nothing of it is in the table. */
  readonly entry: FunctionEntry | undefined;
  readonly verdict: FunctionVerdict;
}

const noLosses: readonly LostRoute[] = [];
const noFindings: FinishedFunction['findings'] = { denied: undefined, lost: undefined };

/** Longest message of a condition; the API server takes 32 KiB, people read one screen. */
const messageLimit = 2000;

/** Takes away what others own, and says what is wrong. */
export function finishFunction(
  built: BuiltFunction,
  findings: FinishedFunction['findings'],
  good: GoodConditions = new Map(),
): FinishedFunction {
  const { denied, lost = noLosses } = findings;
  const entry = denied === undefined ? withoutRoutes(built.entry, lost) : undefined;
  const more = [...(denied === undefined ? [] : [denied]), ...lost.map(({ problem }) => problem)];
  const problems = more.length === 0 ? built.problems : [...more, ...built.problems];
  const { uid, namespace, name, group, generation, revision, suspended } = entry ?? built.entry;
  const verdict: FunctionVerdict = {
    uid,
    namespace,
    name,
    ...(group === defaultGroup ? {} : { group }),
    generation,
    revision,
    suspended,
    conditions: knownConditions(problems, generation, good),
    problems,
    warnings: built.warnings,
    urls: entry === undefined ? [] : urlsOf(entry),
    programmable: entry !== undefined,
  };
  return { built, findings: denied === undefined && lost === noLosses ? noFindings : findings, entry, verdict };
}

/** By generation: the conditions of functions without problems, one for all of a build. */
export type GoodConditions = Map<number, readonly Condition[]>;

function knownConditions(problems: readonly Problem[], generation: number, good: GoodConditions): readonly Condition[] {
  const known = problems.length === 0 ? good.get(generation) : undefined;
  if (known !== undefined) return known;
  const conditions = conditionsOf(problems, generation);
  if (problems.length === 0) good.set(generation, conditions);
  return conditions;
}

/** The conditions that a build decides: true, or false with what was found. */
export function conditionsOf(problems: readonly Problem[], generation: number): readonly Condition[] {
  return [
    conditionOf('Accepted', 'Accepted', 'the resource is valid and allowed', problems, generation),
    conditionOf('ResolvedRefs', 'ResolvedRefs', 'all references are resolved', problems, generation),
  ];
}

function conditionOf(
  type: 'Accepted' | 'ResolvedRefs',
  reason: string,
  message: string,
  problems: readonly Problem[],
  observedGeneration: number,
): Condition {
  const own = problems.filter((problem) => problem.condition === type);
  const [first] = own;
  if (first === undefined) return { type, status: 'True', reason, message, observedGeneration };
  const text = own.map(describeProblem).join('; ');
  return {
    type,
    status: 'False',
    reason: first.reason,
    message: text.length > messageLimit ? `${text.slice(0, messageLimit)} …` : text,
    observedGeneration,
  };
}

/** The revision changes with the routes: a runtime has to acknowledge them anew. */
function withoutRoutes(entry: FunctionEntry, lost: readonly LostRoute[]): FunctionEntry {
  if (lost.length === 0) return entry;
  const gone = new Set(lost.map(({ claim }) => `${claim.trigger} ${claim.index}`));
  const triggers = entry.triggers.map((trigger): TriggerEntry => {
    if (trigger.kind !== 'http') return trigger;
    const routes = trigger.routes.filter((_, index) => !gone.has(`${trigger.name} ${index}`));
    if (routes.length === trigger.routes.length) return trigger;
    if (routes.length > 0) return { ...trigger, routes };
    return { ...trigger, routes, unresolved: trigger.unresolved ?? lostAll(trigger, lost) };
  });
  const revision = hashOf(`${entry.revision} without ${lost.map(({ claim }) => claim.path).join(' ')}`);
  return { ...entry, revision, triggers };
}

function lostAll(trigger: HttpTriggerEntry, lost: readonly LostRoute[]): { reason: string; message: string } {
  const first = lost.find(({ claim }) => claim.trigger === trigger.name);
  return {
    reason: 'RouteConflict',
    message: first === undefined ? 'another function has its routes' : describeProblem(first.problem),
  };
}

function urlsOf(entry: FunctionEntry): FunctionVerdict['urls'] {
  const urls = entry.triggers.flatMap((trigger) =>
    trigger.kind === 'http'
      ? trigger.routes.map((route) => ({
          trigger: trigger.name,
          url: `${route.publicUrl ?? trigger.publicUrl}${route.path}`,
        }))
      : [],
  );
  return urls.slice();
}
