/** The conditions of a function: the build's verdict and what the runtimes say about that revision, put into words. */
import { compareTexts } from '../function/compare-texts.ts';
import type { Condition, ConditionType } from '../function/types.ts';
import { unjudgedReason } from './last-good.ts';
import type { Acknowledgement, FunctionVerdict } from './types.ts';

/** One runtime that should serve the function. */
export interface RuntimeReport {
  /** Name of its pod; on one machine of the process. */
  readonly runtime: string;
  /** False: it is ready for traffic and has no link. */
  readonly connected: boolean;
  /** What it last said about this function, of whatever revision. */
  readonly acknowledgement?: Acknowledgement;
}

export interface FunctionSummary {
  readonly conditions: readonly Condition[];
  /** `2/3`: runtimes that accepted this revision. */
  readonly programmed: string;
  /** Revision whose code answers; undefined: none. */
  readonly servingRevision?: string;
}

/** A rejection that says something about the runtime, not about the function. */
const skewReasons: ReadonlySet<string> = new Set(['UnsupportedRuntime', 'NotLoaded']);

/** References that may appear without anybody touching the function. */
const passingReasons: ReadonlySet<string> = new Set([
  'Pending',
  'Forbidden',
  'KindNotFound',
  'SecretNotFound',
  'SecretKeyNotFound',
  'ConfigMapNotFound',
  'ConfigMapKeyNotFound',
  'ServiceAccountNotFound',
  'FileNotFound',
]);

type Draft = Pick<Condition, 'status' | 'reason' | 'message'>;

/** Summarises; `previous` and `now` keep the time of the last transition. */
export function summarise(
  verdict: FunctionVerdict,
  runtimes: readonly RuntimeReport[],
  clock?: { readonly previous: readonly Condition[]; readonly now: string },
): FunctionSummary {
  const current = runtimes.flatMap(({ acknowledgement }) =>
    acknowledgement?.revision === verdict.revision ? [acknowledgement] : [],
  );
  const accepted = current.filter((acknowledgement) => acknowledgement.accepted);
  const rejection = current.find(({ accepted, reason }) => !accepted && !skewReasons.has(reason ?? ''));
  const servingRevision = servingRevisionOf(verdict, runtimes);

  const built = (type: ConditionType): Draft =>
    verdict.conditions.find((condition) => condition.type === type) ?? pending('not judged yet');
  const drafts: [ConditionType, Draft][] = [
    ['Accepted', acceptance(built('Accepted'), rejection, current, runtimes.length)],
    ['ResolvedRefs', built('ResolvedRefs')],
    ['Programmed', programming(verdict, runtimes, current)],
  ];
  const lastGood = rejection !== undefined && servingRevision !== verdict.revision ? servingRevision : undefined;
  drafts.push(['Ready', readiness(new Map(drafts), verdict, lastGood)]);
  const stalled = stalling(new Map(drafts));
  if (stalled !== undefined) drafts.push(['Stalled', stalled]);
  return {
    conditions: drafts.map(([type, draft]) => stamp(type, draft, verdict, clock)),
    programmed: `${accepted.length}/${runtimes.length}`,
    ...(servingRevision === undefined ? {} : { servingRevision }),
  };
}

/** Only runtimes judge Lua: until one has, a resource that is fine otherwise is not accepted yet. */
function acceptance(
  built: Draft,
  rejection: Acknowledgement | undefined,
  current: readonly Acknowledgement[],
  runtimes: number,
): Draft {
  if (built.status !== 'True') return built;
  if (rejection !== undefined) {
    return { status: 'False', reason: rejection.reason ?? 'Rejected', message: describeRejection(rejection) };
  }
  const accepted = current.filter((acknowledgement) => acknowledgement.accepted);
  if (accepted.some(({ reason }) => reason !== unjudgedReason)) return built;
  if (accepted.length > 0) return pending('the code is checked when everything it refers to is there');
  if (runtimes === 0)
    return { status: 'Unknown', reason: 'NoRuntimes', message: 'no runtime is there to check the code' };
  return pending('no runtime has checked the code of this revision yet');
}

/** `deploy.lua:3:7: 'end' expected near <eof> (did you mean "push"?)`. */
export function describeRejection(rejection: Omit<Acknowledgement, 'uid' | 'revision' | 'accepted'>): string {
  const { file, line, column, message = 'the runtime gave no message', suggestion } = rejection;
  const place = [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':');
  const hint = suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`;
  return `${place === '' ? '' : `${place}: `}${message}${hint}`;
}

function programming(
  verdict: FunctionVerdict,
  runtimes: readonly RuntimeReport[],
  current: readonly Acknowledgement[],
): Draft {
  if (!verdict.programmable) {
    return { status: 'False', reason: 'NotAccepted', message: 'not sent to the runtimes: see the condition Accepted' };
  }
  if (runtimes.length === 0) {
    const which = verdict.group === undefined ? 'no runtime' : `no runtime of the group ${verdict.group}`;
    return { status: 'False', reason: 'NoRuntimes', message: `${which} is ready: look at the pods of the runtime` };
  }
  const accepted = current.filter((acknowledgement) => acknowledgement.accepted).length;
  const all = runtimes.length;
  if (accepted === all)
    return { status: 'True', reason: 'Programmed', message: `${all} of ${all} runtimes run this revision` };
  const rejection = current.find((acknowledgement) => !acknowledgement.accepted);
  if (rejection !== undefined) {
    const message = `${accepted} of ${all} runtimes run this revision; rejected: ${describeRejection(rejection)}`;
    return { status: 'False', reason: rejection.reason ?? 'Rejected', message };
  }
  const unreachable = runtimes.find(
    ({ connected, acknowledgement }) => !connected && acknowledgement?.revision !== verdict.revision,
  );
  if (unreachable !== undefined) {
    const message = `runtime ${unreachable.runtime} takes traffic but has no link to the controller: look at its log`;
    return { status: 'False', reason: 'RuntimeUnreachable', message };
  }
  return { status: 'Unknown', reason: 'Pending', message: `${accepted} of ${all} runtimes run this revision` };
}

function readiness(
  drafts: ReadonlyMap<ConditionType, Draft>,
  verdict: FunctionVerdict,
  lastGood: string | undefined,
): Draft {
  const blocking = [...drafts.values()].find(({ status }) => status === 'False');
  if (lastGood !== undefined && blocking !== undefined) {
    const message = `the code of revision ${lastGood} still serves, under the routes, receivers, secrets and limits of this one: ${blocking.message}`;
    return { status: 'False', reason: 'LastGoodServing', message };
  }
  if (blocking !== undefined) return { status: 'False', reason: blocking.reason, message: blocking.message };
  const waiting = [...drafts.values()].find(({ status }) => status === 'Unknown');
  if (waiting !== undefined) return waiting;
  // The resource asks for it, so this is the state it wants to be in.
  if (verdict.suspended) {
    const stopped = verdict.kind === undefined ? 'no trigger runs' : 'nothing is sent, events wait';
    return { status: 'True', reason: 'Suspended', message: `suspended: ${stopped}; remove spec.suspend to go on` };
  }
  const ready =
    verdict.kind === undefined
      ? 'the function answers its triggers'
      : 'events are sent as they come, as far as the receiver takes them';
  return { status: 'True', reason: 'Ready', message: ready };
}

/** Only the user can help: waiting changes nothing. */
function stalling(drafts: ReadonlyMap<ConditionType, Draft>): Draft | undefined {
  const accepted = drafts.get('Accepted');
  const resolved = drafts.get('ResolvedRefs');
  if (accepted?.status === 'False') return { status: 'True', reason: accepted.reason, message: accepted.message };
  if (resolved?.status === 'False' && !passingReasons.has(resolved.reason)) {
    return { status: 'True', reason: resolved.reason, message: resolved.message };
  }
  return undefined;
}

/** The verdict's own revision where it serves anywhere, else the last good one most runtimes name. */
function servingRevisionOf(verdict: FunctionVerdict, runtimes: readonly RuntimeReport[]): string | undefined {
  if (!verdict.programmable) return undefined;
  const counts = new Map<string, number>();
  for (const { acknowledgement } of runtimes) {
    const revision = acknowledgement?.servingRevision;
    if (revision === verdict.revision) return revision;
    if (revision !== undefined) counts.set(revision, (counts.get(revision) ?? 0) + 1);
  }
  return [...counts].sort(([a, many], [b, more]) => more - many || compareTexts(a, b))[0]?.[0];
}

function pending(message: string): Draft {
  return { status: 'Unknown', reason: 'Pending', message };
}

function stamp(
  type: ConditionType,
  { status, reason, message }: Draft,
  { generation }: FunctionVerdict,
  clock: { readonly previous: readonly Condition[]; readonly now: string } | undefined,
): Condition {
  const condition = { type, status, reason, message, observedGeneration: generation };
  if (clock === undefined) return condition;
  const old = clock.previous.find((each) => each.type === type);
  const kept = old?.status === status ? old.lastTransitionTime : undefined;
  return { ...condition, lastTransitionTime: kept ?? clock.now };
}
