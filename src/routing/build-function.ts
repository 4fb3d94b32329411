/** One function of the table: everything that can be said about it without looking at the others. */
import { hash } from 'node:crypto';
import { compareTexts } from '../function/compare-texts.ts';
import { defaultLimitsOf, resolveLimits, resolveRetry } from '../policy/resolve-limits.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { ReceiverDefinition } from '../receivers/types.ts';
import type { BuildContext, FunctionInput, RouteClaim } from './build-context.ts';
import { buildTrigger } from './build-trigger.ts';
import { canonicalJson } from './canonical-json.ts';
import { notAccepted, unresolvedBy } from './problem.ts';
import { uidOf } from './find-changes.ts';
import { movingWarnings, placeInGroup } from './group-forms.ts';
import { readCallback } from './read-callback.ts';
import { createReferenceReader, type References } from './read-references.ts';
import { resolveCode } from './resolve-code.ts';
import { resolveEnv } from './resolve-env.ts';
import type { FunctionEntry, Problem, ReferencedObject, TriggerEntry } from './types.ts';

export interface BuiltFunction {
  /** With every route it wants. */
  readonly entry: FunctionEntry;
  /** Sorts functions from the oldest: creation time, then namespace and name, as the Gateway API does. */
  readonly seniority: string;
  readonly claims: readonly RouteClaim[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /** What was looked up, and what it was. */
  readonly seen: ReadonlyMap<string, ReferencedObject | undefined>;
}

export interface BuildFunctionOptions {
  readonly references: References;
  readonly policy: InstallationPolicy;
  readonly receivers: ReadonlyMap<string, ReceiverDefinition>;
  readonly mode: 'cluster' | 'local';
  readonly followsCluster?: boolean;
  readonly fingerprintKey: Uint8Array;
}

/** What most functions have none of is one object for all. */
const nothingSeen: BuiltFunction['seen'] = new Map();
const noEgress: FunctionEntry['egress'] = {};
const noProblems: readonly Problem[] = [];
const noWarnings: readonly string[] = [];

/** Resolves, checks and hashes one function. */
export function buildFunction(input: FunctionInput, options: BuildFunctionOptions): BuiltFunction {
  const { policy, receivers, mode } = options;
  const { metadata, spec } = input.resource;
  const namespace = metadata.namespace ?? 'default';
  const reader = createReferenceReader({ ...options, namespace, functionName: metadata.name });

  const code = resolveCode(spec, reader, mode, input.codeOrigins);
  const env = resolveEnv(spec, reader);
  const limits = resolveLimits(policy, defaultLimitsOf(policy), spec.limits, 'spec.limits');
  const retry = resolveRetry(policy, policy.defaults.retryScheduleMs, spec.retry, 'spec.retry');
  const refused = [...limits.problems, ...retry.problems].map(({ reason, path, message }) =>
    notAccepted(reason, path, message),
  );
  const account = spec.serviceAccountName;
  const accountProblem = account === undefined ? undefined : reader.serviceAccount(account, 'spec.serviceAccountName');
  const callback = spec.callback && readCallback(spec.callback, 'spec.callback', { reader, policy });
  const context: BuildContext = {
    policy,
    receivers,
    mode,
    followsCluster: options.followsCluster ?? mode === 'cluster',
    reader,
    namespace,
    limits: limits.limits,
    retryScheduleMs: retry.scheduleMs,
    callback: callback?.entry,
  };
  const triggers = (spec.triggers ?? []).map((trigger, index) => buildTrigger(trigger, index, spec, context));
  const duplicates = duplicateHandlers(triggers.map(({ entry }) => entry));

  const closing = [...refused, ...code.problems, ...env.problems, ...duplicates];
  const unresolved = unresolvedBy(closing);
  const { group, leaving } = placeInGroup(policy, namespace, mode);
  const entry: Omit<FunctionEntry, 'revision'> = {
    uid: uidOf(input),
    namespace,
    namespaceUid: input.namespaceUid,
    name: metadata.name,
    group,
    ...leaving,
    generation: metadata.generation ?? 1,
    code: code.code,
    env: env.env,
    secretEnv: env.secretEnv,
    limits: limits.limits,
    egress: spec.egress === undefined ? noEgress : { allow: spec.egress.allow },
    retryScheduleMs: retry.scheduleMs,
    suspended: spec.suspend ?? false,
    // An account that is gone or did not consent stops watches and calls: the name is not handed on.
    ...(account === undefined || accountProblem !== undefined ? {} : { serviceAccountName: account }),
    ...(callback?.entry === undefined ? {} : { callback: callback.entry }),
    triggers: triggers.map(({ entry }) => closeWithoutAccount(entry, accountProblem)),
    ...(unresolved === undefined ? {} : { unresolved }),
  };
  const problems = [
    ...closing,
    ...(accountProblem === undefined ? [] : [accountProblem]),
    ...(callback?.problems ?? []),
    ...triggers.flatMap((trigger) => trigger.problems),
  ];
  const warnings = [
    ...code.warnings,
    ...env.warnings,
    ...triggers.flatMap((trigger) => trigger.warnings),
    ...reader.warnings,
    ...movingWarnings(entry),
  ];
  return {
    entry: { ...entry, revision: revisionOf(input, entry, reader.secretVersions) },
    seniority: [metadata.creationTimestamp ?? '', namespace, metadata.name, entry.uid].join('\n'),
    // A copy is as long as it is; what was pushed to has room for more.
    claims: triggers.flatMap(({ claims }) => claims).slice(),
    problems: problems.length === 0 ? noProblems : problems,
    warnings: warnings.length === 0 ? noWarnings : warnings,
    seen: reader.seen.size === 0 ? nothingSeen : reader.seen,
  };
}

function closeWithoutAccount(entry: TriggerEntry, problem: Problem | undefined): TriggerEntry {
  if (problem === undefined || entry.kind !== 'kubernetes' || entry.unresolved !== undefined) return entry;
  const unresolved = unresolvedBy([problem]);
  return unresolved === undefined ? entry : { ...entry, unresolved };
}

/** Two triggers whose names differ only in `-` and `_` would share a handler without saying so. */
function duplicateHandlers(triggers: readonly TriggerEntry[]): readonly Problem[] {
  const owners = new Map<string, string>();
  return triggers.flatMap(({ name, handlers: [handler = 'default'] }, index) => {
    const owner = owners.get(handler);
    if (owner === undefined) {
      owners.set(handler, name);
      return [];
    }
    const message = `triggers "${owner}" and "${name}" have the same handler "${handler}": rename one of them`;
    return [notAccepted('DuplicateHandler', `spec.triggers[${index}].name`, message)];
  });
}

/**
 * Hash of the spec and of everything that was made of it, with versions in place of secret values (a revision is public).
 * What the policy and the references contribute is in the entry. The identity is part of it: no two functions share one.
 */
function revisionOf(
  { resource: { spec } }: FunctionInput,
  entry: Omit<FunctionEntry, 'revision'>,
  secretVersions: ReadonlyMap<string, string>,
): string {
  const { generation: _generation, code, env, secretEnv, triggers, callback: _callback, ...rest } = entry;
  const { limits, retryScheduleMs } = entry;
  const secret = new Set(secretEnv);
  const made = {
    ...rest,
    code: [code.codeRevision, code.origin, Object.entries(code.moduleOrigins ?? {}).sort(byName)],
    env: Object.entries(env)
      .filter(([name]) => !secret.has(name))
      .sort(byName),
    secretEnv,
    secretVersions: [...secretVersions].sort(byName),
    // Made in one order of members; what is the user's own, in the order of the user, is in the spec.
    triggers: triggers.map((trigger) => ({
      ...trigger,
      limits: trigger.limits === limits ? undefined : trigger.limits,
      retryScheduleMs: trigger.retryScheduleMs === retryScheduleMs ? undefined : trigger.retryScheduleMs,
      receiver: undefined,
      callback: undefined,
      concurrency: undefined,
      spec: undefined,
      data: undefined,
    })),
  };
  // The code stands in its own hash; `codeFrom` and the rest of the spec stay.
  return hashOf(`${JSON.stringify(made)}\n${canonicalJson({ ...spec, code: undefined })}`);
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return compareTexts(a[0], b[0]);
}

/** The text of a revision. */
export function hashOf(text: string): string {
  // A slice of the whole hash would keep all of it, for each of thousands.
  return hash('sha256', text, 'buffer').toString('hex', 0, 16);
}
