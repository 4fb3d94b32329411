/**
 * Why a state of an object starts nothing: counted by reason, and of each batch the first few are kept as records, so that
 * somebody who asks for the object is told. A trigger that hears of hundreds a second pushes out no other record.
 */
import type { KubernetesTriggerEntry } from '../../routing/types.ts';
import { turnedAway } from '../filter-event.ts';
import type { LiveFunction } from '../live-function.ts';
import type { WorkerParts } from '../worker-parts.ts';
import { objectId } from './cluster-event.ts';
import type { ClusterEventName } from './judge-object.ts';

export type SilentReason =
  /** It was there when the trigger began. */
  | 'initial'
  /** The trigger does not want events of this name. */
  | 'events'
  /** The value of `changed` is what it was. */
  | 'unchanged'
  | 'filter'
  /** It ended, and its last state had not passed the filter. */
  | 'notPassed';

export interface SilentState {
  readonly reason: SilentReason;
  readonly name: ClusterEventName;
  readonly namespace: string | undefined;
  readonly objectName: string;
}

/** Of one batch. */
const mostRecords = 10;

export function tellSilence(
  states: readonly SilentState[],
  fn: LiveFunction,
  trigger: KubernetesTriggerEntry,
  parts: WorkerParts,
): void {
  for (const { reason } of states) parts.rare.silence(reason);
  // What was there before is no news to anybody, and all of it comes at once.
  const told = states.filter(({ reason }) => reason !== 'initial').slice(0, mostRecords);
  for (const state of told) {
    parts.records.add({
      callId: parts.newCallId(),
      time: parts.clock.wall(),
      kind: 'event',
      namespaceUid: fn.entry.namespaceUid,
      namespace: fn.entry.namespace,
      functionUid: fn.entry.uid,
      functionName: fn.entry.name,
      revision: fn.program?.revision ?? fn.entry.revision,
      trigger: trigger.name,
      outcome: 'filtered',
      durationMs: 0,
      worker: parts.index,
      eventName: state.name,
      deliveryId: objectId(trigger, state.namespace, state.objectName),
      detail: detailOf(state),
    });
  }
}

function detailOf({ reason, name }: SilentState): string {
  const sentences: Readonly<Record<SilentReason, string>> = {
    initial: 'the object was there when the trigger began, and `initial` is Skip',
    events: `the trigger's \`events\` do not name ${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
    unchanged: '`changed` has the value it had',
    filter: turnedAway,
    notPassed: 'the last state of the object had not passed the filter, so the function does not know it',
  };
  return sentences[reason];
}
