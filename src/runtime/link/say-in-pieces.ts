/** What a runtime says that may be long, in messages of a bounded size. */
import type { FromRuntime, Held } from '../../link/protocol.ts';
import type { Acknowledgement } from '../../routing/types.ts';
import type { StateReport } from '../report-states.ts';

/** Acknowledgements in one message, and uids of what is held. */
const itemsPerMessage = 1_000;

interface Listener {
  send(message: FromRuntime): unknown;
}

export function sayJudged(peer: Listener | undefined, acknowledgements: readonly Acknowledgement[]): void {
  for (let from = 0; from < acknowledgements.length; from += itemsPerMessage) {
    peer?.send({ kind: 'judged', acknowledgements: acknowledgements.slice(from, from + itemsPerMessage) });
  }
}

export function sayReport(peer: Listener | undefined, { schedules, health }: StateReport): void {
  const longest = Math.max(schedules.length, health.length);
  for (let from = 0; from < longest; from += itemsPerMessage) {
    const to = from + itemsPerMessage;
    peer?.send({ kind: 'report', schedules: schedules.slice(from, to), health: health.slice(from, to) });
  }
}

/** Also where nothing is held: that it follows is news by itself. */
export function sayFollow(peer: Listener, holds: readonly Held[]): void {
  let from = 0;
  do {
    const next = from + itemsPerMessage;
    peer.send({ kind: 'follow', on: true, holds: holds.slice(from, next), more: next < holds.length });
    from = next;
  } while (from < holds.length);
}

export function sayUnfollow(peer: Listener | undefined): void {
  peer?.send({ kind: 'follow', on: false, holds: [], more: false });
}
