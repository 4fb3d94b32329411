/** A table's entries without secret values, for where those may not lie: what needs one is marked as not resolved. */
import type { SubscriptionEntry } from './subscription-entry.ts';
import type { FunctionEntry, TriggerEntry, Unresolved } from './types.ts';

const away: Unresolved = {
  reason: 'ControllerAway',
  message: 'its secrets are with the controller, which has not answered since this runtime restarted',
};

/** Another one: the whole entry must take its place when it comes, and nobody counts this one as programmed. */
const revisionWithout = (revision: string): string => `${revision}~without-secrets`;

export interface Stripped<Entry> {
  readonly entry: Entry;
  /** False: values were taken away. */
  readonly complete: boolean;
}

/** Callbacks keep where they may go and lose what signs them: results wait, nothing is sent unsigned. */
export function stripFunction(entry: FunctionEntry): Stripped<FunctionEntry> {
  const triggers = entry.triggers.map(stripTrigger);
  const { callback, ...rest } = entry;
  const secretEnv = entry.secretEnv.length > 0;
  const complete = !secretEnv && callback === undefined && triggers.every((each) => each.complete);
  if (complete) return { entry, complete };
  const secretNames = new Set(entry.secretEnv);
  return {
    complete,
    entry: {
      ...rest,
      revision: revisionWithout(entry.revision),
      ...(callback === undefined ? {} : { callback: { urls: callback.urls, secrets: [] } }),
      ...(secretEnv ? { unresolved: entry.unresolved ?? away } : {}),
      env: Object.fromEntries(Object.entries(entry.env).filter(([name]) => !secretNames.has(name))),
      triggers: triggers.map((each) => each.entry),
    },
  };
}

function stripTrigger(trigger: TriggerEntry): Stripped<TriggerEntry> {
  if (trigger.kind !== 'http') return { entry: trigger, complete: true };
  const { callback, ...rest } = trigger;
  const { secrets, namedSecrets, ...receiver } = trigger.receiver;
  const verified = secrets.length > 0 || namedSecrets !== undefined;
  if (callback === undefined && !verified) return { entry: trigger, complete: true };
  return {
    complete: false,
    entry: {
      ...rest,
      ...(callback === undefined ? {} : { callback: { urls: callback.urls, secrets: [] } }),
      receiver: { ...receiver, secrets: [] },
      ...(verified ? { unresolved: trigger.unresolved ?? away } : {}),
    },
  };
}

export function stripSubscription(subscription: SubscriptionEntry): Stripped<SubscriptionEntry> {
  const { url, urlSecret, headers, secrets } = subscription;
  const complete = !urlSecret && secrets.length === 0 && headers.every(({ secret }) => !secret);
  if (complete) return { entry: subscription, complete };
  return {
    complete,
    entry: {
      ...subscription,
      revision: revisionWithout(subscription.revision),
      url: urlSecret ? '' : url,
      headers: headers.filter(({ secret }) => !secret),
      secrets: [],
      unresolved: subscription.unresolved ?? away,
    },
  };
}

/** An entry that this program cannot run under gates that are not older ones: nothing of it answers. */
export function closeFunction(entry: FunctionEntry, revision: string, unresolved: Unresolved): FunctionEntry {
  return {
    ...stripFunction(entry).entry,
    revision,
    unresolved,
    // Schedules keep their place and what waits of them: other runtimes may run them.
    triggers: entry.triggers.map((trigger) =>
      trigger.kind === 'http' ? { ...stripTrigger(trigger).entry, unresolved } : trigger,
    ),
  };
}

export function closeSubscription(
  entry: SubscriptionEntry,
  revision: string,
  unresolved: Unresolved,
): SubscriptionEntry {
  return { ...stripSubscription(entry).entry, revision, unresolved };
}
