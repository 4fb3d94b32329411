/** The status of a resource as it should be written: what the build and the runtimes say of it, and how it has been doing. */
import type { Condition } from '../function/types.ts';
import { summarise, type RuntimeReport } from '../routing/conditions.ts';
import type { FunctionEntry, FunctionVerdict } from '../routing/types.ts';
import { judgeMove } from './judge-move.ts';
import type { ScheduleTimes, SubscriptionHealthReport, TriggerReport } from './types.ts';
import type { ResourceStatus } from './watched-resources.ts';

export interface StatusFacts {
  readonly verdict: FunctionVerdict;
  /** Absent: nothing of it is in the table, or it is a subscription. */
  readonly entry: FunctionEntry | undefined;
  readonly runtimes: readonly RuntimeReport[];
  /** Groups that the policy says its namespace was in. */
  readonly leaving: readonly string[];
  /** How its kubernetes triggers do; undefined: nobody follows them. */
  readonly triggers: ReadonlyMap<string, TriggerReport> | undefined;
  readonly schedules: ReadonlyMap<string, ScheduleTimes> | undefined;
  readonly health: SubscriptionHealthReport | undefined;
  /** The status it has, whose times of transition are kept. */
  readonly current: ResourceStatus | undefined;
  /** RFC 3339. */
  readonly now: string;
}

type AnyCondition = NonNullable<ResourceStatus['conditions']>[number];

const longestMessage = 8_000;
const longestWarning = 1_000;
const mostWarnings = 32;

export function desiredStatus(facts: StatusFacts): ResourceStatus {
  const { runtimes, current, now } = facts;
  const verdict = judgedByTriggers(facts.verdict, facts.triggers);
  const previous = (current?.conditions ?? []) as readonly Condition[];
  const summary = summarise(verdict, runtimes, { previous, now });
  const { runtimeGroup, stranded } = judgeMove({
    namespace: verdict.namespace,
    group: verdict.group,
    leaving: facts.leaving,
    before: current?.['runtimeGroup'],
  });
  const own: readonly AnyCondition[] = [
    ...summary.conditions,
    ...(stranded === undefined ? [] : [stamped('Stranded', stranded, facts)]),
  ];
  const conditions = own.map((condition) => ({ ...condition, message: cut(condition.message, longestMessage) }));
  const warnings = verdict.warnings.slice(0, mostWarnings).map((warning) => cut(warning, longestWarning));
  const shared = {
    observedGeneration: verdict.generation,
    revision: verdict.revision,
    programmed: summary.programmed,
    runtimeGroup,
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  if (verdict.kind === 'WebhookSubscription') return { ...shared, ...sending(facts, conditions) };
  const { servingRevision } = summary;
  const serves = servingRevision !== undefined && !verdict.suspended;
  return {
    ...shared,
    conditions,
    ...(servingRevision === undefined ? {} : { servingRevision }),
    ...triggersOf(facts, serves),
  };
}

interface TriggerShown {
  readonly name?: unknown;
  readonly since?: unknown;
}

/** From when on a kubernetes trigger misses nothing, as a status has it; undefined: it has not begun. */
export function triggerSince(status: ResourceStatus | undefined, trigger: string): string | undefined {
  // Written by an older version, or by hand.
  const triggers = Array.isArray(status?.triggers) ? (status.triggers as readonly TriggerShown[]) : [];
  const since = triggers.find(({ name }) => name === trigger)?.since;
  return typeof since === 'string' ? since : undefined;
}

/** What only the API server could say of a kubernetes trigger: its kind, its selectors, the rights of its account. */
function judgedByTriggers(
  verdict: FunctionVerdict,
  triggers: ReadonlyMap<string, TriggerReport> | undefined,
): FunctionVerdict {
  const troubled = [...(triggers ?? [])].filter(([, { condition }]) => condition !== undefined);
  if (troubled.length === 0) return verdict;
  const conditions = verdict.conditions.map((stated): Condition => {
    const own = troubled.filter(([, { condition }]) => condition === stated.type);
    const [first] = own;
    if (first === undefined || stated.status !== 'True') return stated;
    const message = own.map(([name, { message: told = '' }]) => `trigger ${name}: ${told}`).join('; ');
    return { ...stated, status: 'False', reason: first[1].reason ?? 'Invalid', message };
  });
  return { ...verdict, conditions };
}

function triggersOf(
  { verdict, entry, triggers, schedules, current }: StatusFacts,
  serves: boolean,
): Partial<ResourceStatus> {
  if (entry === undefined || entry.triggers.length === 0) return {};
  const urls = new Map<string, string>();
  for (const { trigger, url } of verdict.urls) if (!urls.has(trigger)) urls.set(trigger, url);
  const [first] = verdict.urls;
  return {
    ...(first === undefined ? {} : { url: first.url }),
    triggerNames: entry.triggers.map(({ name }) => name).join(','),
    triggers: entry.triggers.map(({ name, kind, unresolved }) => {
      const url = urls.get(name);
      const served = serves && unresolved === undefined && entry.unresolved === undefined;
      const followed = kind === 'kubernetes' ? (triggers?.get(name) ?? nobodyFollows) : undefined;
      const since = followed === undefined ? undefined : (followed.since ?? triggerSince(current, name));
      return {
        name,
        ready: served && followed?.ready !== false,
        ...(served && followed?.ready === false ? troubleOf(followed) : {}),
        ...(since === undefined ? {} : { since }),
        ...(url === undefined ? {} : { url }),
        ...schedules?.get(name),
      };
    }),
  };
}

/** How the receiver of a subscription does. */
function sending(facts: StatusFacts, conditions: readonly AnyCondition[]): Partial<ResourceStatus> {
  const { health } = facts;
  const healthy = stamped('Healthy', healthOf(health), facts);
  const time = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    conditions: [...conditions, healthy],
    ...(health?.lastSuccess === undefined ? {} : { lastSuccess: time(health.lastSuccess) }),
    ...(health?.failing === undefined ? {} : { lastFailure: time(health.failing.at) }),
    ...(health === undefined ? {} : { breaker: health.breaker }),
  };
}

/** A condition that keeps the time of its last transition. */
function stamped(
  type: string,
  draft: Pick<Condition, 'status' | 'reason' | 'message'>,
  { verdict, current, now }: StatusFacts,
): AnyCondition {
  const old = current?.conditions?.find((condition) => condition.type === type);
  const kept = old?.status === draft.status ? old.lastTransitionTime : undefined;
  return { type, ...draft, observedGeneration: verdict.generation, lastTransitionTime: kept ?? now };
}

function healthOf(health: SubscriptionHealthReport | undefined): Pick<Condition, 'status' | 'reason' | 'message'> {
  if (health?.switchedOff !== undefined) {
    const { reason, error } = health.switchedOff;
    const message = `nothing is sent any more (${cut(error, 500)}): edit the subscription to try again`;
    return { status: 'False', reason: switchedOffReasons[reason], message };
  }
  if (health?.failing !== undefined) {
    return {
      status: 'False',
      reason: 'Failing',
      message: `the last attempt failed: ${cut(health.failing.error, 500)}`,
    };
  }
  if (health?.lastSuccess !== undefined) {
    return { status: 'True', reason: 'Healthy', message: 'the receiver takes events' };
  }
  return { status: 'Unknown', reason: 'Pending', message: 'nothing was sent yet' };
}

const switchedOffReasons = { Gone: 'SwitchedOffGone', OnlyFailures: 'SwitchedOffOnlyFailures' } as const;

const nobodyFollows: TriggerReport = { ready: false };

function troubleOf({ reason, message }: TriggerReport): { readonly reason?: string; readonly message?: string } {
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message: cut(message, longestWarning) }),
  };
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 2)} …` : text;
}
