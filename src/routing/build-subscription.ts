/** One subscription of the table: everything that can be said about it without looking at the others. */
import { isUtf8 } from 'node:buffer';
import { compareTexts } from '../function/compare-texts.ts';
import { outgoingFormats, type OutgoingHeader, type WebhookSubscription } from '../function/subscription-types.ts';
import { checkTarget } from '../policy/egress-target.ts';
import { egressOf, type InstallationPolicy } from '../policy/installation-policy.ts';
import { namespaceEgress } from '../policy/namespace-egress.ts';
import { checkHeaders, checkUrl } from '../policy/outbound-request.ts';
import { checkAmount, resolveRetry } from '../policy/resolve-limits.ts';
import { parseEventPattern } from '../triggers/event-pattern.ts';
import { hashOf } from './build-function.ts';
import { canonicalJson } from './canonical-json.ts';
import { placeInGroup } from './group-forms.ts';
import { notAccepted, notResolved, unresolvedBy } from './problem.ts';
import { createReferenceReader, type ReferenceReader, type References } from './read-references.ts';
import { readSigningSecrets } from './read-signing-secrets.ts';
import type { OutgoingHeaderEntry, SubscriptionEntry } from './subscription-entry.ts';
import type { Problem, ReferencedObject } from './types.ts';

/** A subscription as its source gives it; the same object as long as nothing about it changed. */
export interface SubscriptionInput {
  /** Checked against the schema. `metadata.uid` and `metadata.namespace` are set. */
  readonly resource: WebhookSubscription;
  readonly namespaceUid: string;
}

export interface BuildSubscriptionOptions {
  readonly references: References;
  readonly policy: InstallationPolicy;
  readonly mode: 'cluster' | 'local';
  readonly fingerprintKey: Uint8Array;
}

export interface BuiltSubscription {
  readonly entry: SubscriptionEntry;
  /** Sorts subscriptions from the oldest. */
  readonly seniority: string;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /** What was looked up, and what it was. */
  readonly seen: ReadonlyMap<string, ReferencedObject | undefined>;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** Standard Webhooks' example schedule: about three days, a weekend included. */
export const outgoingScheduleMs: readonly number[] = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];
const defaultTimeoutMs = 15 * second;
const longestTimeoutMs = minute;
const defaultConcurrency = 10;

export function buildSubscription(input: SubscriptionInput, options: BuildSubscriptionOptions): BuiltSubscription {
  const { policy, mode } = options;
  const { metadata, spec } = input.resource;
  const namespace = metadata.namespace ?? 'default';
  const uid = metadata.uid ?? `${namespace}/${metadata.name}`;
  const reader = createReferenceReader({ ...options, namespace, functionName: metadata.name });
  const problems: Problem[] = [];

  const { url, problem: urlProblem } = readUrl(input.resource, reader, policy, namespace);
  if (urlProblem !== undefined) problems.push(urlProblem);
  spec.events.forEach((pattern, index) => {
    const parsed = parseEventPattern(pattern);
    if (!parsed.ok) problems.push(notAccepted('Invalid', `spec.events[${index}]`, parsed.message));
  });
  const signing = readSigningSecrets(spec.secretRefs, 'spec.secretRefs', 'webhooks', { reader, policy });
  problems.push(...signing.problems);
  const headers = readHeaders(spec.headers ?? [], reader, problems);
  const retry = resolveRetry(policy, outgoingScheduleMs, spec.retry, 'spec.retry');
  const amounts = [
    checkAmount(spec.timeout ?? `${defaultTimeoutMs}ms`, 'duration', longestTimeoutMs, 'spec.timeout'),
    checkAmount(spec.rate?.per ?? '1s', 'duration', Number.MAX_SAFE_INTEGER, 'spec.rate.per'),
  ] as const;
  const [timeout, per] = amounts;
  const refused = [...retry.problems, ...amounts.flatMap((amount) => (amount.ok ? [] : [amount.problem]))];
  problems.push(...refused.map(({ reason, path, message }) => notAccepted(reason, path, message)));

  const unresolved = unresolvedBy(problems);
  const { group, leaving } = placeInGroup(policy, namespace, mode);
  const entry: Omit<SubscriptionEntry, 'revision'> = {
    uid,
    namespace,
    namespaceUid: input.namespaceUid,
    name: metadata.name,
    group,
    ...leaving,
    generation: metadata.generation ?? 1,
    url,
    urlSecret: spec.urlFrom !== undefined,
    events: spec.events,
    ...(spec.channels === undefined ? {} : { channels: spec.channels }),
    ...(spec.filter === undefined ? {} : { filter: spec.filter }),
    ...(spec.transform === undefined ? {} : { transform: spec.transform }),
    secrets: signing.secrets,
    format: spec.format ?? outgoingFormats[0],
    headers,
    retryScheduleMs: retry.scheduleMs,
    timeoutMs: timeout.ok ? timeout.amount : defaultTimeoutMs,
    ...(spec.rate === undefined || !per.ok ? {} : { rate: { requests: spec.rate.requests, perMs: per.amount } }),
    concurrency: spec.concurrency ?? defaultConcurrency,
    ...(spec.handshake === undefined ? {} : { handshake: { origin: spec.handshake.origin } }),
    ...(spec.ordered === undefined ? {} : { ordered: spec.ordered }),
    suspended: spec.suspend ?? false,
    ...(unresolved === undefined ? {} : { unresolved }),
  };
  return {
    entry: { ...entry, revision: revisionOf(entry, spec, reader) },
    seniority: [metadata.creationTimestamp ?? '', namespace, metadata.name, uid].join('\n'),
    problems,
    warnings: reader.warnings,
    seen: reader.seen,
  };
}

/** The URL, if it is one that could be reached at all; the guard checks every address again when it is dialled. */
function readUrl(
  { spec }: WebhookSubscription,
  reader: ReferenceReader,
  policy: InstallationPolicy,
  namespace: string,
): { readonly url: string; readonly problem?: Problem } {
  let url = spec.url ?? '';
  let path = 'spec.url';
  if (spec.urlFrom !== undefined) {
    path = 'spec.urlFrom.secretKeyRef';
    const read = reader.secretValue(spec.urlFrom.secretKeyRef, path);
    if (!read.ok) return { url: '', problem: read.problem };
    url = Buffer.from(read.value).toString('utf8').trim();
  }
  const checked = checkUrl(url);
  if (!checked.ok) {
    const problem =
      spec.urlFrom === undefined
        ? notAccepted('Invalid', path, checked.message)
        : notResolved('UrlInvalid', path, `the value of the Secret cannot be used: ${checked.message}`);
    return { url: '', problem };
  }
  const verdict = checkTarget({ installation: namespaceEgress(policy, namespace) }, checked.value.target);
  if (verdict.ok) return { url };
  const hint = verdict.rule === 'address' ? serviceHint(policy, namespace) : '';
  return { url: '', problem: notAccepted('PolicyDenied', path, `${verdict.message} (rule ${verdict.rule})${hint}`) };
}

/** The address of a Service is judged when it is dialled: it goes with the Service, and may be another's the next day. */
function serviceHint(policy: InstallationPolicy, namespace: string): string {
  if (egressOf(policy, namespace).clusterServices !== 'Own') return '';
  return `; a Service of this namespace is written by its name, NAME.${namespace}.svc.cluster.local, not by its address`;
}

function readHeaders(
  headers: readonly OutgoingHeader[],
  reader: ReferenceReader,
  problems: Problem[],
): readonly OutgoingHeaderEntry[] {
  return headers.flatMap(({ name, value, valueFrom }, index) => {
    const path = `spec.headers[${index}]`;
    const { secretKeyRef, configMapKeyRef } = valueFrom ?? {};
    let text = value ?? '';
    const reference = secretKeyRef ?? configMapKeyRef;
    if (reference !== undefined) {
      const read =
        secretKeyRef === undefined
          ? reader.configValue(reference, `${path}.valueFrom.configMapKeyRef`, 'env')
          : reader.secretValue(reference, `${path}.valueFrom.secretKeyRef`);
      if (!read.ok) {
        problems.push(read.problem);
        return [];
      }
      if (!isUtf8(read.value)) {
        problems.push(notResolved('ValueNotText', path, `the value of "${name}" is not UTF-8 text`));
        return [];
      }
      text = Buffer.from(read.value).toString('utf8');
    }
    const verdict = checkHeaders([[name, text]]);
    if (!verdict.ok) {
      const message = verdict.message.replace('by a function', 'by a subscription');
      problems.push(notAccepted('Invalid', `${path}.name`, message));
      return [];
    }
    return [{ name, value: text, secret: secretKeyRef !== undefined }];
  });
}

/** Versions stand in place of secret values: a revision is public. */
function revisionOf(
  entry: Omit<SubscriptionEntry, 'revision'>,
  spec: WebhookSubscription['spec'],
  reader: ReferenceReader,
): string {
  const { generation: _generation, url, urlSecret, secrets: _secrets, headers, ...rest } = entry;
  const made = {
    ...rest,
    url: urlSecret ? undefined : url,
    headers: headers.map(({ name, value, secret }) => [name, secret ? undefined : value]),
    ordered: undefined,
    secretVersions: [...reader.secretVersions].sort(([a], [b]) => compareTexts(a, b)),
  };
  return hashOf(`${JSON.stringify(made)}\n${canonicalJson(spec)}`);
}
