/** One trigger of the table, of any kind, with its limits, retries and handlers. */
import type { FunctionSpec, Trigger } from '../function/types.ts';
import { resolveLimits, resolveRetry } from '../policy/resolve-limits.ts';
import { parseEventPattern } from '../triggers/event-pattern.ts';
import { checkFieldSelector, writeLabelSelector } from '../triggers/kubernetes-selector.ts';
import { parseSchedule } from '../triggers/schedule.ts';
import type { BuildContext, BuiltTrigger } from './build-context.ts';
import { buildHttpTrigger, debounceEntry, dedupEntry } from './build-http-trigger.ts';
import { triggerHandlers } from './find-handler.ts';
import { notAccepted, unresolvedBy } from './problem.ts';
import type {
  EventTriggerEntry,
  KubernetesTriggerEntry,
  Problem,
  ScheduleTriggerEntry,
  TriggerEntry,
} from './types.ts';

type Base = Pick<TriggerEntry, 'name' | 'handlers' | 'filter' | 'limits' | 'retryScheduleMs'>;
type Built = BuiltTrigger<TriggerEntry>;

/** Builds `spec.triggers[index]`. */
export function buildTrigger(trigger: Trigger, index: number, spec: FunctionSpec, context: BuildContext): Built {
  const path = `spec.triggers[${index}]`;
  const limits = resolveLimits(context.policy, context.limits, trigger.limits, `${path}.limits`);
  const retry = resolveRetry(context.policy, context.retryScheduleMs, trigger.retry, `${path}.retry`);
  const refused = [...limits.problems, ...retry.problems].map(({ reason, path, message }) =>
    notAccepted(reason, path, message),
  );
  const base: Base = {
    name: trigger.name,
    handlers: triggerHandlers(trigger.name),
    ...(trigger.filter === undefined ? {} : { filter: trigger.filter }),
    limits: limits.limits,
    retryScheduleMs: retry.scheduleMs,
  };
  const built = buildKind(trigger, base, path, spec, context);
  if (refused.length === 0) return built;
  const unresolved = built.entry.unresolved ?? unresolvedBy(refused);
  return {
    ...built,
    entry: { ...built.entry, ...(unresolved === undefined ? {} : { unresolved }) },
    problems: [...refused, ...built.problems],
  };
}

function buildKind(trigger: Trigger, base: Base, path: string, spec: FunctionSpec, context: BuildContext): Built {
  if (trigger.http !== undefined) return buildHttpTrigger(trigger, trigger.http, base, `${path}.http`, context);
  if (trigger.schedule !== undefined) return buildSchedule(trigger.schedule, base, `${path}.schedule`);
  if (trigger.event !== undefined) return buildEvent(trigger.event, base, `${path}.event`);
  if (trigger.kubernetes !== undefined) {
    return buildKubernetes(trigger.kubernetes, base, `${path}.kubernetes`, spec, context);
  }
  const problem = notAccepted('Invalid', path, 'set exactly one of http, kubernetes, schedule and event');
  const unresolved = unresolvedBy([problem]);
  const entry: EventTriggerEntry = {
    kind: 'event',
    ...base,
    type: '',
    ...(unresolved === undefined ? {} : { unresolved }),
  };
  return { entry, claims: [], problems: [problem], warnings: [] };
}

function buildSchedule(
  schedule: NonNullable<Trigger['schedule']>,
  base: Base,
  path: string,
): BuiltTrigger<ScheduleTriggerEntry> {
  const timeZone = schedule.timeZone ?? 'UTC';
  const parsed = parseSchedule(schedule.cron, timeZone);
  const problems = parsed.ok ? [] : [notAccepted('Invalid', `${path}.${parsed.field}`, parsed.message)];
  return finish(
    {
      kind: 'schedule',
      ...base,
      cron: schedule.cron,
      timeZone,
      missed: schedule.missed ?? 'RunOnce',
      concurrencyPolicy: schedule.concurrencyPolicy ?? 'Forbid',
      ...(schedule.data === undefined ? {} : { data: schedule.data }),
    },
    problems,
  );
}

function buildEvent(event: NonNullable<Trigger['event']>, base: Base, path: string): BuiltTrigger<EventTriggerEntry> {
  const parsed = parseEventPattern(event.type);
  const problems = parsed.ok ? [] : [notAccepted('Invalid', `${path}.type`, parsed.message)];
  return finish(
    {
      kind: 'event',
      ...base,
      type: event.type,
      ...(event.source === undefined ? {} : { source: event.source }),
      ...(event.dedup === undefined ? {} : { dedup: dedupEntry(event.dedup) }),
      ...(event.concurrency === undefined ? {} : { concurrency: event.concurrency }),
      ...(event.debounce === undefined ? {} : { debounce: debounceEntry(event.debounce) }),
    },
    problems,
  );
}

function buildKubernetes(
  kubernetes: NonNullable<Trigger['kubernetes']>,
  base: Base,
  path: string,
  spec: FunctionSpec,
  context: BuildContext,
): BuiltTrigger<KubernetesTriggerEntry> {
  const problems: Problem[] = [];
  if (spec.serviceAccountName === undefined) {
    const message = 'a kubernetes trigger needs spec.serviceAccountName: whose rights it reads with';
    problems.push(notAccepted('ServiceAccountRequired', path, message));
  }
  const labels = writeLabelSelector(kubernetes.labelSelector ?? {});
  if (!labels.ok) problems.push(notAccepted('Invalid', `${path}.labelSelector`, labels.message));
  const namespaces = writeLabelSelector(kubernetes.namespaces?.selector ?? {});
  if (!namespaces.ok) problems.push(notAccepted('Invalid', `${path}.namespaces.selector`, namespaces.message));
  const fields = kubernetes.fieldSelector === undefined ? undefined : checkFieldSelector(kubernetes.fieldSelector);
  if (fields?.ok === false) problems.push(notAccepted('Invalid', `${path}.fieldSelector`, fields.message));
  const { changed, debounce, ...rest } = kubernetes;
  const built = finish<KubernetesTriggerEntry>(
    {
      kind: 'kubernetes',
      ...base,
      spec: {
        ...rest,
        namespaces: rest.namespaces ?? { from: 'Same' },
        events: rest.events ?? ['Added', 'Modified', 'Deleted'],
        initial: rest.initial ?? 'Skip',
      },
      ...(changed === undefined ? {} : { changed }),
      ...(debounce === undefined ? {} : { debounce: debounceEntry(debounce) }),
    },
    problems,
  );
  const warnings = !context.followsCluster
    ? [
        `${path}: there is no cluster here, so this trigger does not fire; try it with \`moonhook invoke\`, or run \`moonhook dev --kube\``,
      ]
    : [];
  return { ...built, warnings };
}

function finish<Entry extends TriggerEntry>(entry: Entry, problems: readonly Problem[]): BuiltTrigger<Entry> {
  const unresolved = unresolvedBy(problems);
  return { entry: unresolved === undefined ? entry : { ...entry, unresolved }, claims: [], problems, warnings: [] };
}
