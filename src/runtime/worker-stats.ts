/** Figures of one worker thread, and the calls that run in it: asked for by metrics and by people. */
import type { OnRoll } from '../lua/roll.ts';
import type { LiveFunction } from './live-function.ts';
import type { RunningCall, WorkerStats } from './worker-messages.ts';
import type { WorkerParts } from './worker-parts.ts';

/** A call that did not end in its first turn: it waits for something, or takes turns. */
export interface UnendedCall extends OnRoll {
  readonly fn: LiveFunction;
  readonly callId: string;
  readonly handler: string;
  /** Since when; milliseconds since the epoch. */
  readonly time: number;
}

/** The oldest: nobody reads more of them. */
const shownRunning = 1000;

export function statsOf({ engine, outgoing, running }: WorkerParts): WorkerStats {
  const { imageRestores, functionImageBytes, parkedCalls, parkedBytes, killsByReason } = engine.stats();
  return {
    imageRestores,
    functionImageBytes,
    parkedCalls,
    parkedBytes,
    kills: Object.fromEntries(killsByReason),
    breakers: outgoing.breakers.open(),
    running: running
      .all()
      .toSorted((one, other) => one.time - other.time)
      .slice(0, shownRunning)
      .map(runningCall),
  };
}

/** As people see it. */
function runningCall({ fn, callId, handler, time }: UnendedCall): RunningCall {
  const { namespaceUid, namespace, uid: functionUid, name: functionName } = fn.entry;
  return { callId, time, namespaceUid, namespace, functionUid, functionName, handler };
}
