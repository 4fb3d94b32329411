/** Applies changes of the table to a worker: each function is loaded beside the running one and swapped in one step. */
import type { Acknowledgement } from '../routing/types.ts';
import type { ServingCode } from '../routing/last-good.ts';
import { createPartSharer, type ShareParts } from '../routing/share-parts.ts';
import { createSharedLimits } from './call-limits.ts';
import type { LiveFunction, LiveMaker } from './live-function.ts';
import { loadFunction, type LoadTools } from './load-function.ts';
import { createTriggerMaker } from './prepare-trigger.ts';
import type { WorkerChange } from './worker-messages.ts';
import type { WorkerParts } from './worker-parts.ts';

export interface ApplyTools extends LoadTools {
  readonly shareParts: ShareParts;
}

/** For one thread: what functions have in common is made once there. */
export function createApplyTools(engine: LoadTools['engine'], context: LiveMaker['context']): ApplyTools {
  return {
    engine,
    make: { trigger: createTriggerMaker(), context },
    callLimits: createSharedLimits(),
    shareParts: createPartSharer(),
  };
}

/** Requests and the heartbeat get their turn after so long. */
const turnMs = 4;

export async function applyToWorker(
  changes: readonly WorkerChange[],
  parts: WorkerParts,
  tools: ApplyTools,
): Promise<readonly Acknowledgement[]> {
  const acknowledgements: Acknowledgement[] = [];
  let began = parts.clock.monotonic();
  for (const change of changes) {
    if (change.op === 'set') acknowledgements.push(await applyOne(change, parts, tools));
    else if (change.op === 'delete') retire(parts.table.delete(change.uid), undefined, parts);
    else if (change.op === 'setSubscription')
      acknowledgements.push(await parts.subscriptions.load(change.subscription));
    else parts.subscriptions.delete(change.uid);
    if (parts.clock.monotonic() - began < turnMs) continue;
    await new Promise<void>((resolve) => void setImmediate(resolve));
    began = parts.clock.monotonic();
  }
  return acknowledgements;
}

async function applyOne(
  change: WorkerChange & { readonly op: 'set' },
  parts: WorkerParts,
  tools: ApplyTools,
): Promise<Acknowledgement> {
  const { places, lastGood } = change;
  const entry = tools.shareParts(change.entry);
  const before = parts.table.servingOf(entry.uid) ?? servingFrom(lastGood);
  const current = parts.table.get(entry.uid);
  if (current?.entry.revision === entry.revision && current.program !== undefined) {
    // The same revision again (a table sent whole): what serves stays.
    return { uid: entry.uid, revision: entry.revision, accepted: true, servingRevision: current.program.revision };
  }
  const { fn, acknowledgement, serving } = await loadFunction(entry, places, before, tools);
  retire(parts.table.set(fn, serving), fn, parts);
  return acknowledgement;
}

/** Handlers are not known before the code has loaded again. */
function servingFrom(lastGood: (WorkerChange & { op: 'set' })['lastGood']): ServingCode | undefined {
  return lastGood === undefined ? undefined : { ...lastGood, handlers: [] };
}

/** The old program goes when its last call has ended. */
function retire(old: LiveFunction | undefined, now: LiveFunction | undefined, parts: WorkerParts): void {
  const program = old?.program;
  if (program === undefined || program.revision === now?.program?.revision) return;
  program.retired = true;
  if (program.calls === 0) parts.engine.unload(program.revision);
}
