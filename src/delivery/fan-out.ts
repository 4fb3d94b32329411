/** Fan-out of an event that very many want: one row, expanded in pieces behind fresh events. */
import type { NewDelivery } from '../store/store.ts';

/** Up to so many deliveries are stored together with their event. */
export const mostAtOnce = 1_000;
const pieceSize = 500;

const suffix = '/-/fanout:all';

export function fanOutDestination(namespaceUid: string): string {
  return `${namespaceUid}${suffix}`;
}

export function isFanOut(destination: string): boolean {
  return destination.endsWith(suffix);
}

/** The deliveries of an expansion, a transaction for each piece. They wait behind fresh events of their destinations. */
export function* pieces(deliveries: readonly NewDelivery[]): Generator<readonly NewDelivery[]> {
  for (let start = 0; start < deliveries.length; start += pieceSize) {
    yield deliveries.slice(start, start + pieceSize).map((delivery) => ({ ...delivery, background: true }));
  }
}
