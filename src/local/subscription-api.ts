/** What a running `moonhook dev` tells of subscriptions: their standing, how their receivers are doing, and pings. */
import { breakerKey, type OpenBreaker } from '../delivery/breakers.ts';
import type { SubscriptionHealth } from '../delivery/subscription-health.ts';
import { dumpSubscription } from '../routing/dump-table.ts';
import type { SubscriptionEntry } from '../routing/subscription-entry.ts';
import { effectiveSubscription } from '../runtime/live/effective-spec.ts';
import type { LiveAnswer } from '../link/live-questions.ts';
import { sendPing } from '../runtime/live/ping-subscription.ts';
import type { LocalView } from './local-api.ts';
import { diagnosticsOf, type FunctionState } from './report-functions.ts';

export async function listSubscriptions(view: LocalView, namespace: string | undefined): Promise<LiveAnswer> {
  const breakers = await view.sending.breakers();
  const states = [...view.states().values()].filter(
    ({ verdict }) =>
      verdict.kind === 'WebhookSubscription' && (namespace === undefined || verdict.namespace === namespace),
  );
  const subscriptions = await Promise.all(states.map((state) => summaryOf(view, state, breakers)));
  return { status: 200, body: { subscriptions } };
}

export async function describeSubscription(view: LocalView, namespace: string, name: string): Promise<LiveAnswer> {
  const state = stateOf(view, namespace, name);
  if (state === undefined) return unknown(namespace, name);
  const { verdict, summary, document } = state;
  const entry = entryOf(view, state);
  return {
    status: 200,
    body: {
      ...(await summaryOf(view, state, await view.sending.breakers())),
      file: document.file,
      line: document.line,
      generation: verdict.generation,
      conditions: summary.conditions,
      warnings: verdict.warnings,
      problems: diagnosticsOf(state),
      urls: [],
      ...(entry === undefined ? {} : { effective: effectiveSubscription(dumpSubscription(entry)) }),
    },
  };
}

/** Sends a signed test event past filter and transform, once, and answers what became of it. */
export async function pingSubscription(view: LocalView, namespace: string, name: string): Promise<LiveAnswer> {
  const state = stateOf(view, namespace, name);
  if (state === undefined) return unknown(namespace, name);
  const entry = entryOf(view, state);
  const ready = state.summary.conditions.find(({ type }) => type === 'Ready');
  if (entry === undefined || entry.suspended || !state.answers) {
    return { status: 400, message: `whs/${name} sends nothing now: ${ready?.message ?? 'it is not ready'}` };
  }
  return sendPing(view, entry);
}

function stateOf(view: LocalView, namespace: string, name: string): FunctionState | undefined {
  return [...view.states().values()].find(
    ({ verdict }) => verdict.kind === 'WebhookSubscription' && verdict.namespace === namespace && verdict.name === name,
  );
}

function entryOf(view: LocalView, { verdict }: FunctionState): SubscriptionEntry | undefined {
  return view.table().subscriptions?.get(verdict.uid);
}

function unknown(namespace: string, name: string): LiveAnswer {
  return { status: 404, message: `there is no subscription ${namespace}/${name}` };
}

async function summaryOf(
  view: LocalView,
  state: FunctionState,
  breakers: readonly OpenBreaker[],
): Promise<Readonly<Record<string, unknown>>> {
  const { verdict, summary } = state;
  const ready = summary.conditions.find(({ type }) => type === 'Ready');
  const entry = entryOf(view, state);
  const health = entry === undefined ? {} : await view.sending.health(entry.namespaceUid, entry.name);
  const breaker = entry && breakers.find(({ key }) => key === breakerKey(entry.namespaceUid, entry.url));
  return {
    kind: 'WebhookSubscription',
    namespace: verdict.namespace,
    name: verdict.name,
    ready: ready?.status ?? 'Unknown',
    reason: ready?.reason ?? 'Pending',
    message: ready?.message ?? '',
    programmed: summary.programmed,
    revision: verdict.revision,
    events: entry?.events ?? [],
    ...(entry === undefined ? {} : { url: dumpSubscription(entry)['url'], signingSecrets: entry.secrets.length }),
    health: plainHealth(health),
    breaker: breaker === undefined ? 'Closed' : breaker.kind === 'open' ? 'Open' : 'HalfOpen',
  };
}

function healthState({ lastSuccess, failing, switchedOff }: SubscriptionHealth): string {
  if (switchedOff !== undefined) return 'SwitchedOff';
  if (failing !== undefined) return 'Failing';
  return lastSuccess === undefined ? 'Unknown' : 'Healthy';
}

function plainHealth(health: SubscriptionHealth): Readonly<Record<string, unknown>> {
  const { lastSuccess, failing, switchedOff } = health;
  const time = (milliseconds: number): string => new Date(milliseconds).toISOString();
  return {
    state: healthState(health),
    ...(lastSuccess === undefined ? {} : { lastSuccess: time(lastSuccess) }),
    ...(failing === undefined
      ? {}
      : { lastFailure: time(failing.at), failingSince: time(failing.since), error: failing.error }),
    ...(switchedOff === undefined ? {} : { switchedOff: time(switchedOff.at), reason: switchedOff.reason }),
  };
}
