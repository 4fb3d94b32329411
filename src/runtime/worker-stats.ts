/** Figures of one worker thread, and the calls that run in it: asked for by metrics and by people. */
import type { LiveFunction } from './live-function.ts';
import type { RunningCall, WorkerStats } from './worker-messages.ts';
import type { WorkerParts } from './worker-parts.ts';

/** Nobody reads more of them. */
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
    running: [...running].slice(0, shownRunning),
  };
}

/** A call that did not end in its first turn: it waits for something, or takes turns. */
export function runningCall({ entry }: LiveFunction, callId: string, handler: string, time: number): RunningCall {
  const { namespaceUid, namespace, uid: functionUid, name: functionName } = entry;
  return { callId, time, namespaceUid, namespace, functionUid, functionName, handler };
}
