/** What a running `moonhook dev` tells the command line: functions, calls, explanations, the table without secrets. */
import { suggest } from '../function/suggest.ts';
import { dumpTable } from '../routing/dump-table.ts';
import type { FunctionEntry, RouteTable } from '../routing/types.ts';
import type { ReplayJobs } from '../delivery/replay-jobs.ts';
import type { OpenStore } from '../store/open-store.ts';
import type { Store } from '../store/store.ts';
import type { CallRecord } from '../runtime/call-record.ts';
import type { Documents } from '../runtime/fetch-document.ts';
import type { RunningCall } from '../runtime/worker-messages.ts';
import type { RecordFilter } from '../runtime/record-filter.ts';
import { outcomes, type Outcome } from '../telemetry/call-outcomes.ts';
import { effectiveFunction } from './effective-spec.ts';
import { toPlainRecord } from './plain-record.ts';
import { nextTime, scheduleTimes } from './schedule-times.ts';
import { diagnosticsOf, type FunctionState, type FunctionStates } from './report-functions.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { SendingView } from './subscription-api.ts';

/** What the process knows, read anew with each question. */
export interface LocalView {
  readonly folder: string;
  /** The file of `--env-file`: where `send` finds a secret, too. */
  readonly envFile?: string;
  readonly version: string;
  /** False: events, `kv` and records are in memory and end with the process. */
  readonly durable: boolean;
  states(): FunctionStates;
  table(): RouteTable;
  readonly sending: SendingView;
  readonly store: Store;
  /** The whole store into a new file; absent where it is no file. */
  readonly snapshot?: OpenStore['snapshot'];
  readonly replays: ReplayJobs;
  /** Fetches what receivers need from elsewhere, for requests that are only explained. */
  readonly documents: Documents;
  /** About files, not about functions. */
  fileDiagnostics(): readonly Diagnostic[];
  findRecords(filter: RecordFilter): Promise<readonly CallRecord[]>;
  /** The oldest first. */
  runningCalls(): Promise<readonly RunningCall[]>;
  /** Of a schedule trigger, by its destination: milliseconds since the epoch. */
  nextScheduleTime(destination: string): number | undefined;
  /** Calls back with every record from now on that the filter covers; answers how to stop. */
  followRecords(filter: RecordFilter, listener: (record: CallRecord) => void): () => void;
  now(): number;
}

export type ApiAnswer =
  | { readonly status: 200; readonly body: unknown }
  | { readonly status: 400 | 404 | 409; readonly message: string };

const ok = (body: unknown): ApiAnswer => ({ status: 200, body });
const notFound = (message: string): ApiAnswer => ({ status: 404, message });

export function getStatus(view: LocalView): ApiAnswer {
  const all = [...view.states().values()];
  const states = all.filter(isFunction);
  return ok({
    version: view.version,
    folder: view.folder,
    ...(view.envFile === undefined ? {} : { envFile: view.envFile }),
    durable: view.durable,
    functions: states.length,
    subscriptions: all.length - states.length,
    ready: states.filter((state) => conditionOf(state, 'Ready')?.status === 'True').length,
    tableVersion: view.table().version,
    diagnostics: view.fileDiagnostics(),
  });
}

export function listFunctions(view: LocalView, namespace: string | undefined): ApiAnswer {
  const states = [...view.states().values()]
    .filter((state) => isFunction(state) && (namespace === undefined || state.verdict.namespace === namespace))
    .sort((a, b) => compare(nameOf(a), nameOf(b)));
  return ok({ functions: states.map((state) => summaryOf(view, state)) });
}

export async function describeFunction(view: LocalView, namespace: string, name: string): Promise<ApiAnswer> {
  const state = stateOf(view, namespace, name);
  if (!state) return unknownFunction(view, namespace, name);
  const { verdict, summary, document } = state;
  const entry = view.table().functions.get(verdict.uid);
  const schedules = entry === undefined ? [] : await scheduleTimes(view, entry);
  return ok({
    ...summaryOf(view, state),
    file: document.file,
    line: document.line,
    generation: verdict.generation,
    conditions: summary.conditions,
    warnings: verdict.warnings,
    problems: diagnosticsOf(state),
    urls: verdict.urls,
    ...(schedules.length === 0 ? {} : { schedules }),
    ...(entry === undefined ? {} : { effective: effectiveFunction(dumpOf(entry)) }),
  });
}

/** The table as `dumpTable` masks it. */
export function getTable(view: LocalView): ApiAnswer {
  return ok(dumpTable(view.table()));
}

/** Reads the filter of a query; undefined members are not filtered by. */
export function readFilter(query: Readonly<Record<string, string | undefined>>): RecordFilter | string {
  const { namespace, name, subscription, trigger, outcome, logged, id, limit } = query;
  const wanted = outcome === undefined || outcome === '' ? [] : outcome.split(',');
  const unknown = wanted.find((word) => !(outcomes as readonly string[]).includes(word));
  if (unknown !== undefined) return `there is no outcome "${unknown}"; known are ${outcomes.join(', ')}`;
  if (limit !== undefined && !/^[1-9][0-9]{0,4}$/.test(limit)) return 'limit must be a number from 1 to 99999';
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { functionName: name }),
    ...(subscription === undefined ? {} : { subscription }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(wanted.length === 0 ? {} : { outcomes: wanted as Outcome[] }),
    ...(logged === 'true' ? { logged: true } : {}),
    ...(id === undefined ? {} : { id }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  };
}

export async function listCalls(view: LocalView, filter: RecordFilter): Promise<ApiAnswer> {
  const records = await view.findRecords(filter);
  return ok({ calls: records.map(toPlainRecord) });
}

/** Calls that have not ended, in the form of records that have: the oldest first. */
export async function listRunningCalls(view: LocalView, filter: RecordFilter): Promise<ApiAnswer> {
  const { namespace, functionName, limit = 100 } = filter;
  const running = (await view.runningCalls()).filter(
    (call) =>
      (namespace === undefined || call.namespace === namespace) &&
      (functionName === undefined || call.functionName === functionName),
  );
  const now = view.now();
  const calls = running.slice(0, limit).map((call) => ({
    ...call,
    kind: 'running',
    outcome: 'running',
    durationMs: Math.max(0, now - call.time),
  }));
  return ok({ calls });
}

/** Plain records that match, one by one, until stopped. */
export function followCalls(view: LocalView, filter: RecordFilter, listener: (record: unknown) => void): () => void {
  return view.followRecords(filter, (record) => {
    listener(toPlainRecord(record));
  });
}

/** A function as it stands. */
export function stateOf(view: LocalView, namespace: string, name: string): FunctionState | undefined {
  return [...view.states().values()].find(
    (state) => isFunction(state) && state.verdict.namespace === namespace && state.verdict.name === name,
  );
}

/** Says what there is instead. */
export function unknownFunction(view: LocalView, namespace: string, name: string): ApiAnswer {
  const elsewhere = [...view.states().values()]
    .filter((state) => isFunction(state) && state.verdict.name === name)
    .map(nameOf);
  const own = [...view.states().values()].filter((state) => isFunction(state) && state.verdict.namespace === namespace);
  const near = suggest(
    name,
    own.map(({ verdict }) => verdict.name),
  );
  const known = elsewhere.length > 0 || near === undefined ? elsewhere : [`${namespace}/${near}`];
  const hint = known.length === 0 ? '' : `; there is ${known.join(', ')}`;
  return notFound(`there is no function ${namespace}/${name}${hint}`);
}

function summaryOf(view: LocalView, state: FunctionState): Readonly<Record<string, unknown>> {
  const { verdict, summary, document } = state;
  const triggers = document.kind === 'WebhookFunction' ? (document.resource.spec.triggers ?? []) : [];
  const ready = conditionOf(state, 'Ready');
  const entry = view.table().functions.get(verdict.uid);
  const nextOf = (trigger: string): object => {
    const next = entry === undefined ? undefined : nextTime(view, entry, trigger);
    return next === undefined ? {} : { next };
  };
  return {
    namespace: verdict.namespace,
    name: verdict.name,
    ready: ready?.status ?? 'Unknown',
    reason: ready?.reason ?? 'Pending',
    message: ready?.message ?? '',
    programmed: summary.programmed,
    revision: verdict.revision,
    ...(summary.servingRevision === undefined ? {} : { servingRevision: summary.servingRevision }),
    url: verdict.urls[0]?.url,
    triggers: triggers.map((trigger) => ({
      name: trigger.name,
      kind: ['http', 'schedule', 'event', 'kubernetes'].find((kind) => Object.hasOwn(trigger, kind)) ?? 'unknown',
      ...nextOf(trigger.name),
    })),
  };
}

const isFunction = ({ verdict }: FunctionState): boolean => verdict.kind === undefined;

function conditionOf({ summary }: FunctionState, type: string) {
  return summary.conditions.find((condition) => condition.type === type);
}

function dumpOf(entry: FunctionEntry): Readonly<Record<string, unknown>> {
  return dumpTable({ version: 0, functions: new Map([[entry.uid, entry]]) }).functions[0] ?? {};
}

function nameOf({ verdict }: FunctionState): string {
  return `${verdict.namespace}/${verdict.name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
