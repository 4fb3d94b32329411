/** Loads one revision of a function beside the one that serves, and decides what serves from then on. */
import type { HostContext } from '../host/types.ts';
import type { Engine, ProgramImage } from '../lua/engine-contract.ts';
import type { CallLimits, LoadResult, LuaMistake, Program } from '../lua/types.ts';
import {
  decideServing,
  nextCandidate,
  programRevision,
  type LoadAttempt,
  type ServingCode,
} from '../routing/last-good.ts';
import type { Acknowledgement, CodeEntry, FunctionEntry, ResolvedLimits } from '../routing/types.ts';
import { LiveFunction, type LiveMaker, type LiveProgram } from './live-function.ts';
import { toRejection } from './read-mistakes.ts';
import { expressionsOf } from './trigger-expressions.ts';
import type { FunctionPlaces } from './worker-messages.ts';

export interface LoadedFunction {
  readonly fn: LiveFunction;
  readonly acknowledgement: Acknowledgement;
  /** Kept for the next revision. */
  readonly serving: ServingCode | undefined;
}

export interface LoadTools {
  readonly engine: Engine<HostContext>;
  readonly make: LiveMaker;
  callLimits(limits: ResolvedLimits): CallLimits;
  /** Made by another thread, by revision. */
  readonly images?: ReadonlyMap<string, ProgramImage>;
}

const nothingBroken: ReadonlyMap<string, LuaMistake> = new Map();

interface Attempt extends LoadAttempt {
  /** Expressions that do not compile: their triggers cannot serve. */
  readonly broken: ReadonlyMap<string, LuaMistake>;
}

/** Effects: the chosen program is loaded in the engine under `programRevision`, the others are not. */
export async function loadFunction(
  entry: FunctionEntry,
  places: FunctionPlaces,
  before: ServingCode | undefined,
  tools: LoadTools,
): Promise<LoadedFunction> {
  const attempts: Attempt[] = [];
  for (;;) {
    const code = nextCandidate(before, entry, attempts);
    if (code === undefined) break;
    attempts.push(await loadCode(entry, code, tools));
  }
  const { acknowledgement, serving, rejection } = decideServing(before, entry, attempts);
  const chosen = attempts.find(({ code }) => code.codeRevision === serving?.code.codeRevision);
  for (const attempt of attempts) {
    if (attempt !== chosen && attempt.outcome.ok) tools.engine.unload(programRevision(entry, attempt.code));
  }
  const program =
    serving === undefined ? undefined : liveProgram(programRevision(entry, serving.code), serving, tools.engine);
  const broken = chosen === undefined || chosen.broken.size === 0 ? nothingBroken : chosen.broken;
  const fn = new LiveFunction(entry, places, program, { serving, rejection, broken }, tools.make);
  return { fn, acknowledgement: hideInAcknowledgement(acknowledgement, fn), serving };
}

/** Code can fail to load with an error that holds a value of `env`: it becomes part of the status, which more people read. */
function hideInAcknowledgement(acknowledgement: Acknowledgement, fn: LiveFunction): Acknowledgement {
  const { message, suggestion } = acknowledgement;
  const hide = message === undefined ? undefined : fn.hide;
  if (message === undefined || hide === undefined) return acknowledgement;
  return {
    ...acknowledgement,
    message: hide(message),
    ...(suggestion === undefined ? {} : { suggestion: hide(suggestion) }),
  };
}

/** Of most programs: one for all. */
const onlyDefault: ReadonlySet<string> = new Set(['default']);

function liveProgram(revision: string, { handlers }: ServingCode, engine: Engine<HostContext>): LiveProgram {
  const plain = handlers.length === 1 && handlers[0] === 'default';
  const handle = engine.find(revision);
  return { revision, handlers: plain ? onlyDefault : new Set(handlers), handle, calls: 0, retired: false };
}

/** Code that loads only without an expression is not a good revision, but as last good code it can serve the rest. */
async function loadCode(
  entry: FunctionEntry,
  code: CodeEntry,
  { engine, images, callLimits }: LoadTools,
): Promise<Attempt> {
  let expressions = expressionsOf(entry);
  const broken = new Map<string, LuaMistake>();
  const own = code.codeRevision === entry.code.codeRevision;
  for (;;) {
    const program = programOf(entry, code, expressions, callLimits(entry.limits));
    const result = await engine.load(program, images?.get(program.revision));
    if (result.ok) return { code, broken, outcome: { ok: true, handlers: result.handlers } };
    const inExpressions = result.mistakes.filter(({ file }) => expressions.has(file));
    if (own || inExpressions.length === 0)
      return { code, broken, outcome: { ok: false, rejection: rejectionOf(result, entry, code) } };
    for (const mistake of inExpressions) broken.set(mistake.file, mistake);
    expressions = new Map([...expressions].filter(([name]) => !broken.has(name)));
  }
}

function rejectionOf(result: LoadResult & { readonly ok: false }, entry: FunctionEntry, code: CodeEntry) {
  const [first] = result.mistakes;
  if (first === undefined) return { reason: 'LuaLoad', message: 'the code does not load' };
  return toRejection(first, entry.name, code);
}

const noTexts: ReadonlyMap<string, string> = new Map();

function textsOf(record: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const entries = Object.entries(record);
  return entries.length === 0 ? noTexts : new Map(entries);
}

function programOf(
  entry: FunctionEntry,
  code: CodeEntry,
  expressions: ReadonlyMap<string, string>,
  limits: CallLimits,
): Program {
  return {
    namespaceUid: entry.namespaceUid,
    namespace: entry.namespace,
    name: entry.name,
    revision: programRevision(entry, code),
    code: code.code,
    modules: textsOf(code.modules),
    env: textsOf(entry.env),
    expressions,
    limits,
  };
}
