/** The debug view of the running table: everything but secret values. */
import { compareTexts } from '../function/compare-texts.ts';
import type { SubscriptionEntry } from './subscription-entry.ts';
import type { CallbackEntry, FunctionEntry, RouteTable, TriggerEntry } from './types.ts';

/** Stands where a secret value would. */
export const mask = '***';

/** Plain data for people. Members of an entry are named one by one: a new one is not shown before somebody decided so. */
export interface DumpedTable {
  readonly version: number;
  readonly functions: readonly Readonly<Record<string, unknown>>[];
  readonly subscriptions: readonly Readonly<Record<string, unknown>>[];
}

/** The table with all secrets masked, by namespace and name. */
export function dumpTable(table: RouteTable): DumpedTable {
  const entries = [...table.functions.values()].sort((a, b) => compareTexts(label(a), label(b)));
  const subscriptions = [...(table.subscriptions?.values() ?? [])].sort((a, b) => compareTexts(label(a), label(b)));
  return {
    version: table.version,
    functions: entries.map(dumpEntry),
    subscriptions: subscriptions.map(dumpSubscription),
  };
}

/** One subscription with its secrets masked. */
export function dumpSubscription(entry: SubscriptionEntry): Readonly<Record<string, unknown>> {
  const { uid, namespace, namespaceUid, name, group, generation, revision, url, urlSecret, suspended } = entry;
  const { events, channels, filter, transform, format, retryScheduleMs, timeoutMs, rate, concurrency, ordered } = entry;
  return {
    namespace,
    name,
    uid,
    namespaceUid,
    group,
    generation,
    revision,
    suspended,
    ...(entry.unresolved === undefined ? {} : { unresolved: entry.unresolved }),
    url: urlSecret ? mask : url,
    events,
    ...(channels === undefined ? {} : { channels }),
    ...(filter === undefined ? {} : { filter }),
    ...(transform === undefined ? {} : { transform }),
    secrets: entry.secrets.map(() => mask),
    format,
    headers: Object.fromEntries(
      entry.headers.map(({ name: header, value, secret }) => [header, secret ? mask : value]),
    ),
    retryScheduleMs,
    timeoutMs,
    ...(rate === undefined ? {} : { rate }),
    concurrency,
    ...(ordered === undefined ? {} : { ordered }),
  };
}

function dumpEntry(entry: FunctionEntry): Readonly<Record<string, unknown>> {
  const { uid, namespace, namespaceUid, name, group, generation, revision, limits, egress, retryScheduleMs } = entry;
  const secret = new Set(entry.secretEnv);
  return {
    namespace,
    name,
    uid,
    namespaceUid,
    group,
    generation,
    revision,
    suspended: entry.suspended,
    ...(entry.unresolved === undefined ? {} : { unresolved: entry.unresolved }),
    code: {
      codeRevision: entry.code.codeRevision,
      bytes: Buffer.byteLength(entry.code.code),
      ...(entry.code.origin === undefined ? {} : { origin: entry.code.origin }),
      modules: Object.fromEntries(
        Object.entries(entry.code.modules).map(([module, source]) => [module, { bytes: Buffer.byteLength(source) }]),
      ),
    },
    env: Object.fromEntries(
      Object.entries(entry.env).map(([variable, value]) => [variable, secret.has(variable) ? mask : value]),
    ),
    limits,
    egress,
    retryScheduleMs,
    ...(entry.serviceAccountName === undefined ? {} : { serviceAccountName: entry.serviceAccountName }),
    ...(entry.callback === undefined ? {} : { callback: dumpCallback(entry.callback) }),
    triggers: entry.triggers.map(dumpTrigger),
  };
}

function dumpTrigger(trigger: TriggerEntry): Readonly<Record<string, unknown>> {
  if (trigger.kind !== 'http') return { ...trigger };
  const { receiver, callback, ...rest } = trigger;
  return {
    ...rest,
    receiver: {
      name: receiver.name,
      fields: receiver.fields,
      ...(receiver.events === undefined ? {} : { events: receiver.events }),
      secrets: receiver.secrets.map(() => mask),
      ...(receiver.namedSecrets === undefined
        ? {}
        : { namedSecrets: Object.fromEntries(Object.keys(receiver.namedSecrets).map((field) => [field, mask])) }),
    },
    ...(callback === undefined ? {} : { callback: dumpCallback(callback) }),
  };
}

function dumpCallback(callback: CallbackEntry): Readonly<Record<string, unknown>> {
  return { urls: callback.urls, secrets: callback.secrets.map(() => mask) };
}

function label(entry: FunctionEntry | SubscriptionEntry): string {
  return `${entry.namespace}/${entry.name}/${entry.uid}`;
}
