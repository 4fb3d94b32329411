/** Builds entries and tables as the build would make them, for tests that start behind it. */
import type {
  FunctionEntry,
  HttpTriggerEntry,
  ResolvedLimits,
  RouteTable,
  ScheduleTriggerEntry,
} from '../../src/routing/types.ts';
import { defaultLimits } from '../../src/policy/installation-policy.ts';
import { triggerHandlers } from '../../src/routing/find-handler.ts';

/** The default limits of an installation. */
export const entryLimits: ResolvedLimits = defaultLimits;

const retryScheduleMs: readonly number[] = [5000, 60_000, 600_000, 3_600_000];

/** A complete entry: `hook` in namespace `team-a`, without triggers. */
export function functionEntry(parts: Partial<FunctionEntry> = {}): FunctionEntry {
  const namespace = parts.namespace ?? 'team-a';
  const name = parts.name ?? 'hook';
  return {
    uid: `uid-${namespace}-${name}`,
    namespace,
    namespaceUid: `uid-${namespace}`,
    name,
    group: 'default',
    generation: 1,
    revision: `revision-of-${namespace}-${name}`,
    code: { codeRevision: 'code-1', code: 'return function() return "hi" end', modules: {} },
    env: {},
    secretEnv: [],
    limits: entryLimits,
    egress: {},
    retryScheduleMs,
    suspended: false,
    triggers: [],
    ...parts,
  };
}

/** An open, synchronous HTTP trigger at `/team-a/hook`, named `web`. */
export function httpTriggerEntry(parts: Partial<HttpTriggerEntry> = {}): HttpTriggerEntry {
  const name = parts.name ?? 'web';
  return {
    kind: 'http',
    name,
    handlers: triggerHandlers(name),
    limits: entryLimits,
    retryScheduleMs,
    routes: [{ path: '/team-a/hook', methods: [] }],
    publicUrl: 'https://hooks.example.com',
    receiver: { name: 'open', fields: {}, secrets: [] },
    mode: 'sync',
    publish: false,
    ...parts,
  };
}

/** A nightly schedule, named `nightly`. */
export function scheduleTriggerEntry(parts: Partial<ScheduleTriggerEntry> = {}): ScheduleTriggerEntry {
  const name = parts.name ?? 'nightly';
  return {
    kind: 'schedule',
    name,
    handlers: triggerHandlers(name),
    limits: entryLimits,
    retryScheduleMs,
    cron: '0 3 * * *',
    timeZone: 'UTC',
    missed: 'RunOnce',
    concurrencyPolicy: 'Forbid',
    ...parts,
  };
}

/** A table of these entries. */
export function routeTable(entries: readonly FunctionEntry[], version = 1): RouteTable {
  return { version, functions: new Map(entries.map((entry) => [entry.uid, entry])) };
}
