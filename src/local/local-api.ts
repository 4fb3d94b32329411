/** What a running `moonhook dev` tells the command line: functions, calls, explanations, the table without secrets. */
import { compareTexts } from '../function/compare-texts.ts';
import { suggest } from '../function/suggest.ts';
import { dumpTable } from '../routing/dump-table.ts';
import type { FunctionEntry } from '../routing/types.ts';
import type { OpenStore } from '../store/open-store.ts';
import type { LiveAnswer } from '../link/live-questions.ts';
import type { LiveView } from '../runtime/live/live-view.ts';
import { effectiveFunction } from '../runtime/live/effective-spec.ts';
import { toPlainRecord } from '../runtime/live/plain-record.ts';
import { nextTime, scheduleTimes } from '../runtime/live/schedule-times.ts';
import type { RecordFilter } from '../runtime/record-filter.ts';
import type { Sample } from '../telemetry/metrics.ts';
import { diagnosticsOf, type FunctionState, type FunctionStates } from './report-functions.ts';
import type { Diagnostic } from './diagnostic.ts';

/** What the process knows, read anew with each question. */
export interface LocalView extends LiveView {
  readonly folder: string;
  /** The file of `--env-file`: where `send` finds a secret, too. */
  readonly envFile?: string;
  readonly version: string;
  /** False: events, `kv` and records are in memory and end with the process. */
  readonly durable: boolean;
  states(): FunctionStates;
  /** The whole store into a new file; absent where it is no file. */
  readonly snapshot?: OpenStore['snapshot'];
  /** What a scrape of the metrics reads. */
  measure(sample: Sample): Promise<void>;
  /** About files, not about functions. */
  fileDiagnostics(): readonly Diagnostic[];
}

const ok = (body: unknown): LiveAnswer => ({ status: 200, body });
const notFound = (message: string): LiveAnswer => ({ status: 404, message });

export function getStatus(view: LocalView): LiveAnswer {
  const all = [...view.states().values()];
  const states = all.filter(isFunction);
  return ok({
    version: view.version,
    folder: view.folder,
    ...(view.envFile === undefined ? {} : { envFile: view.envFile }),
    durable: view.durable,
    functions: states.length,
    subscriptions: all.length - states.length,
    ready: states.filter(isReady).length,
    notReady: all
      .filter((state) => !isReady(state))
      .map((state) => {
        const { namespace, name } = state.verdict;
        const ready = conditionOf(state, 'Ready');
        const shown = isFunction(state) ? name : `whs/${name}`;
        return { namespace, name: shown, reason: ready?.reason ?? 'Pending', message: ready?.message ?? '' };
      }),
    tableVersion: view.table().version,
    diagnostics: view.fileDiagnostics(),
  });
}

const isReady = (state: FunctionState): boolean => conditionOf(state, 'Ready')?.status === 'True';

export function listFunctions(view: LocalView, namespace: string | undefined): LiveAnswer {
  const states = [...view.states().values()]
    .filter((state) => isFunction(state) && (namespace === undefined || state.verdict.namespace === namespace))
    .sort((a, b) => compareTexts(nameOf(a), nameOf(b)));
  return ok({ functions: states.map((state) => summaryOf(view, state)) });
}

export async function describeFunction(view: LocalView, namespace: string, name: string): Promise<LiveAnswer> {
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
export function getTable(view: LocalView): LiveAnswer {
  return ok(dumpTable(view.table()));
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

/** Says what there is instead: the name elsewhere, a name like it, or where functions are at all. */
export function unknownFunction(view: LocalView, namespace: string, name: string): LiveAnswer {
  const all = [...view.states().values()].filter(isFunction);
  return notFound(`there is no function ${namespace}/${name}${insteadOf(all, namespace, name)}`);
}

function insteadOf(all: readonly FunctionState[], namespace: string, name: string): string {
  const elsewhere = all.filter(({ verdict }) => verdict.name === name);
  if (elsewhere.length > 0) return `; there is ${elsewhere.map(nameOf).join(', ')}`;
  const own = all.filter(({ verdict }) => verdict.namespace === namespace);
  for (const some of [own, all]) {
    const near = suggest(
      name,
      some.map(({ verdict }) => verdict.name),
    );
    const found = some.find(({ verdict }) => verdict.name === near);
    if (found !== undefined) return `; did you mean ${nameOf(found)}?`;
  }
  const namespaces = [...new Set(all.map(({ verdict }) => verdict.namespace))];
  if (own.length > 0 || namespaces.length === 0) return '';
  return `; the functions here are in namespace ${namespaces.slice(0, 5).join(', ')}: add -n`;
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
