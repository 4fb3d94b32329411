/** Builds the table from a snapshot of the folder, gives the difference to the runtime, and keeps what both say of each function. */
import type { Condition } from '../function/types.ts';
import { buildRouteTable, type BuildResult } from '../routing/build-route-table.ts';
import { summarise } from '../routing/conditions.ts';
import { byUid } from '../routing/find-changes.ts';
import { diffTables, type TableChange } from '../routing/diff-tables.ts';
import type { SubscriptionEntry } from '../routing/subscription-entry.ts';
import type { Acknowledgement, FunctionEntry, FunctionVerdict, RouteTable } from '../routing/types.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { receivers } from '../receivers/catalogue.ts';
import type { Severity } from './diagnostic.ts';
import type { SourceSnapshot } from './folder-source.ts';
import type { LocalInputsMaker } from './local-inputs.ts';
import { createRemarks } from './lua-sources.ts';
import type { ResourceDocument } from './source-documents.ts';
import type { FunctionStates } from './report-functions.ts';

/** What serves a table and judges its Lua. */
export interface TableServer {
  readonly table: RouteTable;
  applyChanges(changes: readonly TableChange[], version: number): Promise<readonly Acknowledgement[]>;
}

export interface TableBuilder {
  /** Resolves when the server has judged every changed function. Calls must not overlap. */
  update(snapshot: SourceSnapshot, secrets: ReadonlyMap<string, string>): Promise<FunctionStates>;
}

export interface TableBuilderOptions {
  readonly policy: InstallationPolicy;
  readonly inputs: LocalInputsMaker;
  readonly server: TableServer;
  /** Keys the fingerprints of secrets in revisions. */
  readonly fingerprintKey: Uint8Array;
  /** Kubernetes triggers are followed: nobody need be told that they are not. */
  readonly followsCluster?: boolean;
  /** How grave it is that code calls what no environment has. */
  readonly unknownNames: Severity;
  /** Milliseconds since the epoch. */
  now(): number;
}

export function createTableBuilder(options: TableBuilderOptions): TableBuilder {
  const { policy, inputs, server, fingerprintKey } = options;
  let previous: BuildResult | undefined;
  let states: FunctionStates = new Map();
  const acknowledgements = new Map<string, Acknowledgement>();
  const remark = createRemarks(options.unknownNames);

  /** While the threads compile: what words of the Lua mean is asked here only. */
  async function remarkAhead(
    documents: ReadonlyMap<string, ResourceDocument>,
    { codeFiles }: SourceSnapshot,
    touched: ReadonlySet<string>,
  ): Promise<void> {
    let left = documentsPerTurn;
    for (const uid of touched) {
      const document = documents.get(uid);
      if (document !== undefined) remark(document, codeFiles);
      left -= 1;
      if (left > 0) continue;
      left = documentsPerTurn;
      await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  return {
    update: async (snapshot, secrets) => {
      const { functions, subscriptions, references, documents, touched } = inputs.make(snapshot, secrets);
      const result = buildRouteTable({
        functions: byUid(functions),
        subscriptions,
        references,
        policy,
        receivers,
        mode: 'local',
        followsCluster: options.followsCluster ?? false,
        fingerprintKey,
        ...(previous === undefined ? {} : { previous }),
      });
      previous = result;
      const version = server.table.version + 1;
      const changes = diffTables(server.table, {
        version,
        functions: result.entries,
        subscriptions: result.subscriptions.entries,
      });
      const judged = new Set<string>();
      if (changes.length > 0 || version === 1) {
        const serving = server.applyChanges(changes, version);
        await remarkAhead(documents, snapshot, touched);
        for (const each of await serving) {
          acknowledgements.set(each.uid, each);
          judged.add(each.uid);
        }
      }
      const now = new Date(options.now()).toISOString();
      const verdicts = [result.verdicts, result.subscriptions.verdicts];
      const next = new Map(states);
      let conditions: readonly Condition[] = [];
      const placeOf = (other: string): string | undefined => {
        const found = documents.get(other);
        return found && `${found.file}:${found.line}`;
      };
      for (const [uid, verdict] of verdicts.flatMap((each) => changedIn(each, states, judged, touched))) {
        const document = documents.get(uid);
        if (!document) continue;
        const entry = result.entries.get(uid);
        const subscription = result.subscriptions.entries.get(uid);
        const said = acknowledgements.get(uid);
        const acknowledgement = said?.revision === verdict.revision ? said : undefined;
        const runtime = { runtime: 'local', connected: true, ...(said === undefined ? {} : { acknowledgement: said }) };
        const clock = { previous: states.get(uid)?.summary.conditions ?? [], now };
        const summary = summarise(verdict, [runtime], clock);
        // Of thousands that went live together all say the same.
        if (!sameConditions(conditions, summary.conditions)) ({ conditions } = summary);
        next.set(uid, {
          verdict,
          summary: { ...summary, conditions },
          document,
          answers: subscription === undefined ? canAnswer(entry) : canSend(subscription, acknowledgement),
          remarks: remark(document, snapshot.codeFiles),
          codeRevision: entry?.code.codeRevision ?? subscription?.revision,
          placeOf,
          ...(acknowledgement === undefined ? {} : { acknowledgement }),
        });
      }
      for (const uid of next.keys()) if (!verdicts.some((each) => each.has(uid))) next.delete(uid);
      for (const uid of acknowledgements.keys()) {
        if (!result.entries.has(uid) && !result.subscriptions.entries.has(uid)) acknowledgements.delete(uid);
      }
      states = next;
      return states;
    },
  };
}

/** Some milliseconds: in between come the answers of the threads. */
const documentsPerTurn = 50;

function sameConditions(before: readonly Condition[], after: readonly Condition[]): boolean {
  return before.length === after.length && after.every((condition, index) => sameCondition(condition, before[index]));
}

function sameCondition(one: Condition, other: Condition | undefined): boolean {
  return (
    one.type === other?.type &&
    one.status === other.status &&
    one.reason === other.reason &&
    one.message === other.message &&
    one.observedGeneration === other.observedGeneration &&
    one.lastTransitionTime === other.lastTransitionTime
  );
}

/** Of thousands of functions one was edited: the others keep the state they have. */
function changedIn(
  verdicts: ReadonlyMap<string, FunctionVerdict>,
  states: FunctionStates,
  judged: ReadonlySet<string>,
  touched: ReadonlySet<string>,
): readonly (readonly [string, FunctionVerdict])[] {
  const changed: (readonly [string, FunctionVerdict])[] = [];
  for (const [uid, verdict] of verdicts) {
    if (states.get(uid)?.verdict !== verdict || judged.has(uid) || touched.has(uid)) changed.push([uid, verdict]);
  }
  return changed;
}

function canSend(subscription: SubscriptionEntry, acknowledgement: Acknowledgement | undefined): boolean {
  return subscription.unresolved === undefined && acknowledgement?.accepted === true;
}

function canAnswer(entry: FunctionEntry | undefined): boolean {
  if (entry === undefined || entry.unresolved !== undefined) return false;
  return entry.triggers.length === 0 || entry.triggers.some(({ unresolved }) => unresolved === undefined);
}
