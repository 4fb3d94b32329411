/** What a new state of an object means for a kubernetes trigger: which event, if any, and the row that is kept. Pure. */
import type { ObjectPut } from '../../link/append-messages.ts';
import type { ObjectRow } from './object-rows.ts';

export type ClusterEventName = 'added' | 'modified' | 'deleted' | 'left';

/** How the trigger wants its events. */
export interface Wishes {
  readonly events: ReadonlySet<ClusterEventName>;
  readonly initialEach: boolean;
  readonly hasChanged: boolean;
}

/** The step to take with one object. */
export type Step =
  /** Nothing is news. */
  | { readonly kind: 'keep' }
  /** The row goes; an event where the last state had passed. */
  | { readonly kind: 'remove'; readonly event: 'deleted' | 'left' | undefined }
  /** Expressions are asked; `event`: what is stored if they say so, undefined: only the row is written. */
  | {
      readonly kind: 'judge';
      readonly name: 'added' | 'modified';
      readonly event: boolean;
      /** The filter is only asked if the value of `changed` differs from this one. */
      readonly unless: string | undefined;
    };

export function nextStep(
  change: ObjectPut,
  row: ObjectRow | undefined,
  at: { readonly term: number; readonly expressions: string },
  wishes: Wishes,
): Step {
  if (change.kind !== 'set') {
    if (row === undefined) return { kind: 'keep' };
    const name = change.kind === 'gone' ? 'deleted' : 'left';
    const wanted = change.kind !== 'drop' && row.passed && wishes.events.has(name);
    return { kind: 'remove', event: wanted ? name : undefined };
  }
  if (row === undefined) {
    const silent = change.baseline === true && !wishes.initialEach;
    return { kind: 'judge', name: 'added', event: !silent && wishes.events.has('added'), unless: undefined };
  }
  const sameExpressions = row.expressions === at.expressions;
  if (!isNewer(change.version, row, at.term)) {
    // Edited expressions judge what is there anew, and say nothing.
    if (change.version !== row.version || sameExpressions) return { kind: 'keep' };
    return { kind: 'judge', name: 'modified', event: false, unless: undefined };
  }
  return {
    kind: 'judge',
    name: 'modified',
    event: wishes.events.has('modified'),
    unless: wishes.hasChanged && sameExpressions ? row.changed : undefined,
  };
}

/** In one term history only goes forward; an older term may have seen a future that was taken back. */
function isNewer(version: string, row: ObjectRow, term: number): boolean {
  if (term > row.term) return version !== row.version;
  if (term < row.term || version === row.version) return false;
  // What cannot be compared is taken: too often is better than never.
  if (!/^\d+$/.test(version) || !/^\d+$/.test(row.version)) return true;
  return BigInt(version) > BigInt(row.version);
}
