/** Makes one trigger of a loaded function ready to answer: handler, receiver with its secrets, limits, expressions. */
import type { LuaMistake } from '../lua/types.ts';
import { receivers } from '../receivers/catalogue.ts';
import type { TriggerAnswer } from '../routing/last-good.ts';
import type { FunctionEntry, HttpTriggerEntry, TriggerEntry } from '../routing/types.ts';
import type { LiveReceiver, LiveTrigger, Unavailable } from './live-function.ts';
import { expressionNames } from './trigger-expressions.ts';
import type { FunctionPlaces } from './worker-messages.ts';

export interface TriggerSources {
  readonly owner: FunctionEntry;
  readonly places: FunctionPlaces;
  readonly answer: TriggerAnswer | undefined;
  /** Expressions that do not compile, by name. */
  readonly broken: ReadonlyMap<string, LuaMistake>;
}

export function prepareTrigger(entry: TriggerEntry, { owner, places, answer, broken }: TriggerSources): LiveTrigger {
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
