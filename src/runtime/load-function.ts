/** Loads one revision of a function beside the one that serves, and decides what serves from then on. */
import type { HostContext } from '../host/types.ts';
import type { Engine, LoadResult, LuaMistake, Program } from '../lua/types.ts';
import { receivers } from '../receivers/catalogue.ts';
import {
  decideServing,
  nextCandidate,
  programRevision,
  type LoadAttempt,
  type ServingCode,
  type TriggerAnswer,
} from '../routing/last-good.ts';
import type { Acknowledgement, CodeEntry, FunctionEntry, HttpTriggerEntry, TriggerEntry } from '../routing/types.ts';
import type { LiveFunction, LiveProgram, LiveReceiver, LiveTrigger, Unavailable } from './live-function.ts';
import { toRejection } from './read-mistakes.ts';
import { expressionNames, expressionsOf } from './trigger-expressions.ts';
import type { FunctionPlaces } from './worker-messages.ts';

export interface LoadedFunction {
  readonly fn: LiveFunction;
  readonly acknowledgement: Acknowledgement;
  /** Kept for the next revision. */
  readonly serving: ServingCode | undefined;
}

export interface LoadTools {
  readonly engine: Engine<HostContext>;
  contextFor(entry: FunctionEntry): HostContext;
}

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
    attempts.push(await loadCode(entry, code, tools.engine));
  }
  const { acknowledgement, serving, triggers } = decideServing(before, entry, attempts);
  const chosen = attempts.find(({ code }) => code.codeRevision === serving?.code.codeRevision);
  for (const attempt of attempts) {
    if (attempt !== chosen && attempt.outcome.ok) tools.engine.unload(programRevision(entry, attempt.code));
  }
  const program = serving === undefined ? undefined : liveProgram(programRevision(entry, serving.code), serving);
  const fn: LiveFunction = {
    entry,
    index: places.index,
    callRow: places.callRow,
    program,
    triggers: new Map(
      entry.triggers.map((trigger) => [
        trigger.name,
        liveTrigger(trigger, places, triggers.get(trigger.name), chosen?.broken ?? new Map(), entry),
      ]),
    ),
    context: tools.contextFor(entry),
  };
  return { fn, acknowledgement, serving };
}

function liveProgram(revision: string, { handlers }: ServingCode): LiveProgram {
  return { revision, handlers: new Set(handlers), calls: 0, retired: false };
}

/** Code that loads only without an expression is not a good revision, but as last good code it can serve the rest. */
async function loadCode(entry: FunctionEntry, code: CodeEntry, engine: Engine<HostContext>): Promise<Attempt> {
  const expressions = new Map(expressionsOf(entry));
  const broken = new Map<string, LuaMistake>();
  const own = code.codeRevision === entry.code.codeRevision;
  for (;;) {
    const result = await engine.load(programOf(entry, code, expressions));
    if (result.ok) return { code, broken, outcome: { ok: true, handlers: result.handlers } };
    const inExpressions = result.mistakes.filter(({ file }) => expressions.has(file));
    if (own || inExpressions.length === 0)
      return { code, broken, outcome: { ok: false, rejection: rejectionOf(result, entry, code) } };
    for (const mistake of inExpressions) {
      expressions.delete(mistake.file);
      broken.set(mistake.file, mistake);
    }
  }
}

function rejectionOf(result: LoadResult & { readonly ok: false }, entry: FunctionEntry, code: CodeEntry) {
  const [first] = result.mistakes;
  if (first === undefined) return { reason: 'LuaLoad', message: 'the code does not load' };
  return toRejection(first, entry.name, code);
}

function programOf(entry: FunctionEntry, code: CodeEntry, expressions: ReadonlyMap<string, string>): Program {
  const { timeoutMs, cpuMs, memoryBytes, logBytes, logLines, hostCalls, parallelHostCalls, responseBodyBytes } =
    entry.limits;
  return {
    namespaceUid: entry.namespaceUid,
    namespace: entry.namespace,
    name: entry.name,
    revision: programRevision(entry, code),
    code: code.code,
    modules: new Map(Object.entries(code.modules)),
    env: new Map(Object.entries(entry.env)),
    expressions,
    limits: {
      timeoutMs,
      cpuMs,
      memoryBytes,
      logBytes,
      logLines,
      hostCalls,
      parallelHostCalls,
      resultBytes: responseBodyBytes,
    },
  };
}

function liveTrigger(
  entry: TriggerEntry,
  places: FunctionPlaces,
  answer: TriggerAnswer | undefined,
  broken: ReadonlyMap<string, LuaMistake>,
  owner: FunctionEntry,
): LiveTrigger {
  const expressions = expressionNames(entry);
  const wrong = Object.values(expressions).find((name: string) => broken.has(name)) as string | undefined;
  const receiver = entry.kind === 'http' ? prepareReceiver(entry) : undefined;
  const unverifiable = receiver !== undefined && 'code' in receiver ? receiver : undefined;
  const unavailable = unavailableOf(answer, wrong === undefined ? undefined : broken.get(wrong), wrong);
  return {
    entry,
    ...(entry.kind === 'http' ? { http: entry } : {}),
    row: places.triggerRows[entry.name] ?? places.callRow,
    ...(answer !== undefined && 'handler' in answer ? { handler: answer.handler } : {}),
    ...(unavailable === undefined ? {} : { unavailable }),
    ...(unverifiable === undefined ? {} : { unverifiable }),
    ...(receiver === undefined || 'code' in receiver ? {} : { receiver }),
    expressions,
    limits: { ...(entry.limits === owner.limits ? {} : callLimits(entry)) },
  };
}

function callLimits(entry: TriggerEntry): LiveTrigger['limits'] {
  const { timeoutMs, cpuMs, memoryBytes, logBytes, logLines, hostCalls, parallelHostCalls, responseBodyBytes } =
    entry.limits;
  return {
    timeoutMs,
    cpuMs,
    memoryBytes,
    logBytes,
    logLines,
    hostCalls,
    parallelHostCalls,
    resultBytes: responseBodyBytes,
  };
}

function unavailableOf(
  answer: TriggerAnswer | undefined,
  mistake: LuaMistake | undefined,
  expression: string | undefined,
): Unavailable | undefined {
  if (mistake !== undefined)
    return { code: 'NotResolved', message: `${expression ?? 'expression'}: ${mistake.message}` };
  if (answer === undefined) return { code: 'NotResolved', message: 'the trigger has no answer' };
  return 'unavailable' in answer ? { code: answer.unavailable, message: answer.message } : undefined;
}

/** The receiver with its secrets; what cannot verify anybody refuses everybody. */
function prepareReceiver(entry: HttpTriggerEntry): LiveReceiver | Unavailable {
  if (entry.unresolved !== undefined) return { code: 'NotResolved', message: entry.unresolved.message };
  const { name, fields, secrets, namedSecrets } = entry.receiver;
  const definition = receivers.get(name);
  if (definition === undefined)
    return { code: 'NotResolved', message: `this runtime does not know receiver "${name}"` };
  const result = definition.prepare(fields);
  if (!result.ok) {
    const [first] = result.mistakes;
    return {
      code: 'NotResolved',
      message: `receiver ${name}: ${first?.path ?? ''} ${first?.message ?? 'is not usable'}`,
    };
  }
  const { receiver } = result;
  return {
    prepared: receiver,
    secrets: {
      secrets: secrets.map(decodeSecret),
      ...(namedSecrets === undefined
        ? {}
        : { named: new Map(Object.entries(namedSecrets).map(([path, secret]) => [path, decodeSecret(secret)])) }),
    },
    credentialHeaders: new Set(receiver.credentialHeaders.map((header) => header.toLowerCase())),
    credentialQuery: new Set(receiver.credentialQuery),
    credentialParams: new Set(receiver.credentialParams),
  };
}

const decodeSecret = (secret: string): Uint8Array => new Uint8Array(Buffer.from(secret, 'base64'));
