/** Makes one trigger of a loaded function ready to answer: handler, receiver with its secrets, limits, expressions. */
import type { LuaMistake } from '../lua/types.ts';
import { receivers } from '../receivers/catalogue.ts';
import { answerOf, type TriggerAnswer } from '../routing/last-good.ts';
import type { HttpTriggerEntry, TriggerEntry } from '../routing/types.ts';
import { callLimitsOf } from './call-limits.ts';
import type { LiveFunction, LiveReceiver, LiveTrigger, Unavailable } from './live-function.ts';
import { expressionNames } from './trigger-expressions.ts';

/** A receiver that is one entry of many functions is made ready once. */
export function createTriggerMaker(): (entry: TriggerEntry, owner: LiveFunction) => LiveTrigger {
  const known = new WeakMap<HttpTriggerEntry['receiver'], LiveReceiver | Unavailable>();
  const receiverOf = (entry: HttpTriggerEntry): LiveReceiver | Unavailable => {
    if (entry.unresolved !== undefined) return { code: 'NotResolved', message: entry.unresolved.message };
    const receiver = known.get(entry.receiver) ?? prepareReceiver(entry.receiver);
    known.set(entry.receiver, receiver);
    return receiver;
  };
  return (entry, owner) => prepareTrigger(entry, owner, entry.kind === 'http' ? receiverOf(entry) : undefined);
}

function prepareTrigger(
  entry: TriggerEntry,
  owner: LiveFunction,
  receiver: LiveReceiver | Unavailable | undefined,
): LiveTrigger {
  const { broken } = owner.outcome;
  const answer = answerOf(owner.entry, entry, owner.outcome);
  const expressions = expressionNames(entry);
  const wrong = Object.values(expressions).find((name: string) => broken.has(name)) as string | undefined;
  const unverifiable = receiver !== undefined && 'code' in receiver ? receiver : undefined;
  const found = unavailableOf(answer, wrong === undefined ? undefined : broken.get(wrong), wrong);
  const unavailable = found && { ...found, message: owner.hide?.(found.message) ?? found.message };
  const http = entry.kind === 'http' ? entry : undefined;
  // One literal with all members: they stand in the object itself, and all triggers have one shape.
  return {
    row: owner.triggerRows[entry.name] ?? owner.callRow,
    asynchronous: http?.mode === 'async',
    unverifiable,
    unavailable,
    handler: 'handler' in answer ? answer.handler : undefined,
    receiver: receiver === undefined || 'code' in receiver ? undefined : receiver,
    expressions,
    limits: entry.limits === owner.limits ? undefined : callLimitsOf(entry.limits),
    bounds: entry.limits,
    extras: http !== undefined && hasExtras(http) ? http : undefined,
    entry,
    http,
    destination: undefined,
  };
}

function hasExtras({ rate, concurrency, publish, ackAfterMs, cors }: HttpTriggerEntry): boolean {
  return publish || rate !== undefined || concurrency !== undefined || ackAfterMs !== undefined || cors !== undefined;
}

function unavailableOf(
  answer: TriggerAnswer,
  mistake: LuaMistake | undefined,
  expression: string | undefined,
): Unavailable | undefined {
  if (mistake !== undefined)
    return { code: 'NotResolved', message: `${expression ?? 'expression'}: ${mistake.message}` };
  return 'unavailable' in answer ? { code: answer.unavailable, message: answer.message } : undefined;
}

/** The receiver with its secrets; what cannot verify anybody refuses everybody. */
function prepareReceiver(entry: HttpTriggerEntry['receiver']): LiveReceiver | Unavailable {
  const { name, events, fields, secrets, namedSecrets } = entry;
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
    name,
    events,
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
