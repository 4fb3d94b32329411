/**
 * The route table, built by one pure function from checked functions and what they refer to. It also yields each
 * function's verdict. Functions that did not change cost one comparison; see `BuildMemory`.
 */
import { servesClass, type InstallationPolicy } from '../policy/installation-policy.ts';
import type { ReceiverDefinition } from '../receivers/types.ts';
import { assignRoutes, type AssignedRoutes } from './assign-routes.ts';
import type { FunctionInput } from './build-context.ts';
import { buildFunction, type BuiltFunction } from './build-function.ts';
import { canonicalJson } from './canonical-json.ts';
import { finishFunction, type FinishedFunction } from './finish-function.ts';
import { chargeQuotas } from './charge-quotas.ts';
import type { References } from './read-references.ts';
import type { FunctionEntry, FunctionVerdict } from './types.ts';

export interface BuildInput {
  readonly functions: readonly FunctionInput[];
  readonly references: References;
  readonly policy: InstallationPolicy;
  readonly receivers: ReadonlyMap<string, ReceiverDefinition>;
  /** `local`: missing consent is a warning, there are files and no ServiceAccounts. */
  readonly mode: 'cluster' | 'local';
  /** Random bytes of this installation or process: keys the fingerprint of secrets that come without versions. */
  readonly fingerprintKey: Uint8Array;
  /** The result before this one: what did not change is taken from it. */
  readonly previous?: BuildResult;
}

export interface BuildResult {
  /** By uid. */
  readonly entries: ReadonlyMap<string, FunctionEntry>;
  /** By uid. */
  readonly verdicts: ReadonlyMap<string, FunctionVerdict>;
  /** Functions of another installation's class: not ours to judge. */
  readonly skipped: readonly FunctionInput[];
  readonly memory: BuildMemory;
}

/** What a build keeps for the next one. */
export interface BuildMemory {
  readonly policy: InstallationPolicy;
  readonly receivers: ReadonlyMap<string, ReceiverDefinition>;
  readonly mode: 'cluster' | 'local';
  readonly fingerprintKey: Uint8Array;
  readonly references: References;
  /** In order of seniority. */
  readonly built: ReadonlyMap<string, Remembered>;
  readonly routes: AssignedRoutes;
}

interface Remembered {
  readonly input: FunctionInput;
  readonly built: BuiltFunction;
  readonly finished: FinishedFunction;
}

/** Builds the table and the verdicts. */
export function buildRouteTable(input: BuildInput): BuildResult {
  const { policy, references } = input;
  const memory = usableMemory(input);
  const skipped: FunctionInput[] = [];
  const served: FunctionInput[] = [];
  for (const item of input.functions) {
    if (servesClass(policy, item.resource.spec.class)) served.push(item);
    else skipped.push(item);
  }
  served.sort(bySeniority);

  const sameReferences = memory?.references === references;
  const current: BuiltFunction[] = served.map((item) => {
    const old = memory?.built.get(uidOf(item));
    if (old !== undefined && old.input === item && (sameReferences || sameSeen(old.built, references)))
      return old.built;
    return keepEqualParts(old?.built, buildFunction(item, input));
  });

  const quota = chargeQuotas(policy, current);
  const routes = assignRoutes(current, quota, memory?.routes);
  const entries = new Map<string, FunctionEntry>();
  const verdicts = new Map<string, FunctionVerdict>();
  const built = new Map<string, Remembered>();
  current.forEach((function_, index) => {
    const item = served[index];
    if (item === undefined) return;
    const { uid } = function_.entry;
    const findings = { denied: quota.get(uid), lost: routes.lost.get(uid) };
    const old = memory?.built.get(uid)?.finished;
    const finished =
      old?.built === function_ && sameFindings(old, findings) ? old : finishFunction(function_, findings);
    if (finished.entry !== undefined) entries.set(uid, finished.entry);
    verdicts.set(uid, finished.verdict);
    built.set(uid, { input: item, built: function_, finished });
  });
  const { receivers, mode, fingerprintKey } = input;
  return {
    entries,
    verdicts,
    skipped,
    memory: { policy, receivers, mode, fingerprintKey, references, built, routes },
  };
}

/** Older first; of the same second by namespace and name, as the Gateway API does. */
function bySeniority(a: FunctionInput, b: FunctionInput): number {
  const [left, right] = [a.resource.metadata, b.resource.metadata];
  return (
    compare(left.creationTimestamp ?? '', right.creationTimestamp ?? '') ||
    compare(left.namespace ?? 'default', right.namespace ?? 'default') ||
    compare(left.name, right.name) ||
    compare(uidOf(a), uidOf(b))
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Uid of a function; files have none, and their namespace and name stand in. */
export function uidOf({ resource: { metadata } }: FunctionInput): string {
  return metadata.uid ?? `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

function usableMemory(input: BuildInput): BuildMemory | undefined {
  const memory = input.previous?.memory;
  if (memory === undefined) return undefined;
  const same =
    memory.policy === input.policy &&
    memory.receivers === input.receivers &&
    memory.mode === input.mode &&
    memory.fingerprintKey === input.fingerprintKey;
  return same ? memory : undefined;
}

function sameSeen(built: BuiltFunction, references: References): boolean {
  for (const [key, object] of built.seen) if (references.get(key) !== object) return false;
  return true;
}

/**
 * Keeps the objects of parts that came out as they were: a function touched without effect stays the same entry, and one
 * whose routes stay the same moves nobody else's.
 */
function keepEqualParts(old: BuiltFunction | undefined, built: BuiltFunction): BuiltFunction {
  if (old === undefined) return built;
  const sameEntry = old.entry.revision === built.entry.revision && old.entry.generation === built.entry.generation;
  const sameClaims = canonicalJson(old.claims) === canonicalJson(built.claims);
  return { ...built, entry: sameEntry ? old.entry : built.entry, claims: sameClaims ? old.claims : built.claims };
}

function sameFindings(old: FinishedFunction, findings: FinishedFunction['findings']): boolean {
  return old.findings.denied === findings.denied && old.findings.lost === findings.lost;
}
