/** What a change did to the functions, in lines for the terminal: live, refused with its place, not ready and why, removed. */
import { describeRejection, type FunctionSummary } from '../routing/conditions.ts';
import type { Acknowledgement, FunctionVerdict, Problem } from '../routing/types.ts';
import { formatDiagnostic, type Diagnostic, type Severity } from './diagnostic.ts';
import type { FieldPath } from './document-places.ts';
import { parseFieldPath } from './field-path.ts';
import type { FunctionDocument, ResourceDocument, SubscriptionDocument } from './source-documents.ts';

/** One function or subscription as it stands after a change. */
export interface FunctionState {
  readonly verdict: FunctionVerdict;
  readonly summary: FunctionSummary;
  /** What the runtime said about this revision. */
  readonly acknowledgement?: Acknowledgement;
  readonly document: ResourceDocument;
  /** About words in its code. */
  readonly remarks: readonly Diagnostic[];
  /** False: nothing of it can answer, whatever its code. */
  readonly answers: boolean;
  /** Hash of code and modules; undefined: nothing of it is in the table. */
  readonly codeRevision: string | undefined;
  /** `FILE:LINE` of another resource by its uid, where it stands now. */
  placeOf(uid: string): string | undefined;
}

export type FunctionStates = ReadonlyMap<string, FunctionState>;

/** Everything wrong or doubtful about a function, each with its place in its file. */
export function diagnosticsOf(state: FunctionState): readonly Diagnostic[] {
  const { verdict, document } = state;
  return [
    ...verdict.problems.map((problem) => problemAt(state, problem)),
    ...codeDiagnosticsOf(state),
    ...verdict.warnings.map((warning) => at(document, 'warning', parseFieldPath(warning), warning)),
  ];
}

/** What is wrong or doubtful about its code. */
export function codeDiagnosticsOf({ acknowledgement, document, remarks }: FunctionState): readonly Diagnostic[] {
  if (acknowledgement?.accepted !== false) return remarks;
  const rejection = rejectionAt(document, acknowledgement);
  // Words of code that Lua cannot read may be half of something; where it was read they often tell why it did not load.
  return acknowledgement.reason === 'LuaSyntax' ? [rejection] : [rejection, ...remarks];
}

function problemAt({ document, placeOf }: FunctionState, { path, message, other }: Problem): Diagnostic {
  const place = other === undefined ? undefined : placeOf(other);
  const told = place === undefined ? message : `${message} (the other stands in ${place})`;
  const diagnostic = at(document, 'error', parseFieldPath(path ?? ''), told);
  return path === undefined ? diagnostic : { ...diagnostic, path };
}

/** At the place of a field; without a field at the name of the function. */
function at(document: ResourceDocument, severity: Severity, path: FieldPath, message: string): Diagnostic {
  const place = document.places.placeOf([...document.prefix, ...(path.length > 1 ? path : ['metadata', 'name'])]);
  return { severity, file: document.file, ...place, message };
}

/** What Lua says, at the line of the file; at the function itself where the code stands in no file. */
function rejectionAt(document: ResourceDocument, acknowledgement: Acknowledgement): Diagnostic {
  const { line, column, message = 'the code was rejected', suggestion } = acknowledgement;
  if (document.kind === 'WebhookSubscription') return expressionAt(document, acknowledgement);
  const { file } = acknowledgement;
  const path = expressionPath(document, file ?? '');
  if (path !== undefined) {
    const steps = parseFieldPath(path);
    const origin = document.places.textOrigin([...document.prefix, ...steps]);
    return {
      ...at(document, 'error', steps, message),
      path,
      ...(origin === undefined ? {} : { line: (line ?? 1) + origin.lineOffset, column: 1 + origin.columnOffset }),
      ...(suggestion === undefined ? {} : { hint: `did you mean "${suggestion}"?` }),
    };
  }
  if (file === undefined || line === undefined || !/\.[A-Za-z0-9]+$/.test(file)) {
    const { file: known, ...rest } = acknowledgement;
    return at(document, 'error', [], describeRejection(known === document.file ? rest : acknowledgement));
  }
  return {
    severity: 'error',
    file,
    line,
    ...(column === undefined ? {} : { column }),
    message,
    ...(suggestion === undefined ? {} : { hint: `did you mean "${suggestion}"?` }),
  };
}

/** The field of an expression that a runtime names `push (filter)` or `push (rate.key)`. */
function expressionPath(document: FunctionDocument, name: string): string | undefined {
  const [, trigger, field] = /^(.+) \(([a-z.]+)\)$/.exec(name) ?? [];
  const triggers = document.resource.spec.triggers ?? [];
  const index = triggers.findIndex((each) => each.name === trigger);
  const found = triggers[index];
  if (found === undefined || field === undefined) return undefined;
  if (field === 'filter') return `spec.triggers[${index}].filter`;
  const kind = (['http', 'event', 'kubernetes'] as const).find((each) => found[each] !== undefined);
  return kind === undefined ? undefined : `spec.triggers[${index}].${kind}.${field}`;
}

/** An expression of a subscription is named by its path. */
function expressionAt(document: SubscriptionDocument, acknowledgement: Acknowledgement): Diagnostic {
  const { file = '', line = 1, message = 'the expression was rejected', suggestion } = acknowledgement;
  const origin = document.expressionOrigins.get(file);
  const found = at(document, 'error', parseFieldPath(file), `${file}: ${message}`);
  return {
    ...found,
    ...(origin === undefined ? {} : { line: line + origin.lineOffset, column: 1 + origin.columnOffset }),
    ...(suggestion === undefined ? {} : { hint: `did you mean "${suggestion}"?` }),
  };
}

/** First letters of a revision, enough for people to tell two apart. */
export function shortRevision(revision: string): string {
  return revision.slice(0, 8);
}

/** `team-a/deploy`, `whs/team-a/orders`: as verbs take them. */
function labelOf({ kind, namespace, name }: FunctionVerdict): string {
  return `${kind === undefined ? '' : 'whs/'}${namespace}/${name}`;
}

/** `team-a/deploy: live in 8 ms (revision 9f2c1a2b)`. */
function standing({ verdict, summary, answers }: FunctionState, tookMs: number): string {
  const name = labelOf(verdict);
  const ready = summary.conditions.find(({ type }) => type === 'Ready');
  const serving = summary.servingRevision;
  if (ready?.reason === 'Suspended') return `${name}: suspended (revision ${shortRevision(verdict.revision)})`;
  if (ready?.status === 'True') {
    return `${name}: live in ${Math.max(1, Math.round(tookMs))} ms (revision ${shortRevision(verdict.revision)})`;
  }
  if (answers && serving !== undefined && serving !== verdict.revision) {
    return `${name}: keeps serving the last good code (revision ${shortRevision(serving)})`;
  }
  const reason = ready?.reason ?? 'Pending';
  return serving === undefined || !answers
    ? `${name}: does not serve (${reason})`
    : `${name}: serves, but not everything of it (${reason})`;
}

/** More functions than this that went live in one change share a line. */
const listed = 20;

/** Lines about what changed between two states; `tookMs` is counted from the change of the file. */
export function reportChanges(before: FunctionStates, after: FunctionStates, tookMs: number): readonly string[] {
  const lines: { readonly text: string; readonly isLive?: boolean }[] = [];
  for (const [uid, state] of after) {
    const old = before.get(uid);
    // The same object: nothing about it was touched.
    if (old === state || (old !== undefined && !isNews(old, state))) continue;
    const known = new Set(old === undefined ? [] : diagnosticsOf(old).map(formatDiagnostic));
    for (const text of diagnosticsOf(state).map(formatDiagnostic)) if (!known.has(text)) lines.push({ text });
    lines.push({ text: standing(state, tookMs), isLive: isReady(state) });
  }
  const removed: string[] = [];
  for (const [uid, { verdict }] of before) {
    if (!after.has(uid)) removed.push(`${verdict.namespace}/${verdict.name}: removed`);
  }
  const live = lines.filter(({ isLive }) => isLive === true).length;
  return [
    ...lines.filter(({ isLive }) => isLive !== true || live <= listed).map(({ text }) => text),
    ...(live <= listed ? [] : [`${live} functions: live in ${Math.max(1, Math.round(tookMs))} ms`]),
    ...(removed.length <= listed ? removed : [`${removed.length} functions: removed`]),
  ];
}

/** A function that only moved within its file has a new revision (its lines are elsewhere) and is no news. */
function isNews(old: FunctionState, state: FunctionState): boolean {
  const sameRevision = old.verdict.revision === state.verdict.revision;
  if (sameRevision) return describe(old) !== describe(state);
  const moved = old.document.line !== state.document.line && old.document.file === state.document.file;
  const same = old.verdict.generation === state.verdict.generation && old.codeRevision === state.codeRevision;
  return !(moved && same && isReady(old) && isReady(state));
}

function isReady({ summary }: FunctionState): boolean {
  return summary.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

function describe({ summary, verdict, acknowledgement, remarks }: FunctionState): string {
  const conditions = summary.conditions.map(({ status, reason, message }) => [status, reason, message]);
  return JSON.stringify([conditions, verdict.warnings, acknowledgement?.accepted, remarks]);
}
