/** Loads the expressions of a subscription as a program of their own, and says what is wrong with them. */
import type { HostContext } from '../host/types.ts';
import type { Engine } from '../lua/engine-contract.ts';
import { defaultLimits } from '../policy/installation-policy.ts';
import type { SubscriptionEntry } from '../routing/subscription-entry.ts';
import type { Acknowledgement } from '../routing/types.ts';
import type { LiveProgram } from './live-function.ts';
import { toRejection } from './read-mistakes.ts';

/** Expressions by name; the name is where it stands in the resource, for errors. */
export const subscriptionExpressions = {
  filter: 'spec.filter',
  transform: 'spec.transform',
  orderedKey: 'spec.ordered.key',
} as const;

const noCode = { codeRevision: '', code: '', modules: {} };

export interface LoadedSubscription {
  readonly program: LiveProgram | undefined;
  readonly acknowledgement: Acknowledgement;
}

export async function loadSubscription(
  entry: SubscriptionEntry,
  engine: Engine<HostContext>,
): Promise<LoadedSubscription> {
  const { uid, revision, namespaceUid, namespace, name } = entry;
  const accepted: Acknowledgement = { uid, revision, accepted: true, servingRevision: revision };
  const expressions = new Map<string, string>();
  if (entry.filter !== undefined) expressions.set(subscriptionExpressions.filter, entry.filter);
  if (entry.transform !== undefined) expressions.set(subscriptionExpressions.transform, entry.transform);
  if (entry.ordered?.key !== undefined) expressions.set(subscriptionExpressions.orderedKey, entry.ordered.key);
  if (expressions.size === 0) return { program: undefined, acknowledgement: accepted };
  const { timeoutMs, cpuMs, memoryBytes, logBytes, logLines, parallelHostCalls, responseBodyBytes } = defaultLimits;
  const program: LiveProgram = {
    revision: `subscription ${uid} ${revision}`,
    handlers: new Set(),
    handle: undefined,
    calls: 0,
    retired: false,
  };
  const loaded = await engine.load({
    namespaceUid,
    namespace,
    name,
    revision: program.revision,
    code: 'return function() end',
    modules: new Map(),
    env: new Map(),
    expressions,
    limits: {
      timeoutMs,
      cpuMs,
      memoryBytes,
      logBytes,
      logLines,
      hostCalls: 0,
      parallelHostCalls,
      resultBytes: responseBodyBytes,
    },
  });
  if (loaded.ok) return { program, acknowledgement: accepted };
  const [first] = loaded.mistakes;
  const rejection =
    first === undefined
      ? { reason: 'LuaLoad', message: 'the expressions do not load' }
      : toRejection(first, name, noCode);
  return { program: undefined, acknowledgement: { uid, revision, accepted: false, ...rejection } };
}
