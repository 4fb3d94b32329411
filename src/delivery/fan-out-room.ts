/**
 * How many deliveries of published events a namespace may have stored at once and beside others: rows that are written
 * together hold up whoever comes next. What goes beyond is one row that is expanded in pieces.
 */

/** Some tens of milliseconds of the store. */
const burst = 5_000;
/** Of the rows a store writes, a fraction. */
const perSecond = 20_000;
/** Namespaces that have not published for a while are forgotten above so many. */
const mostKept = 1_024;

interface Room {
  left: number;
  at: number;
}

/** One per worker. */
export class FanOutRooms {
  readonly #rooms = new Map<string, Room>();
  readonly #now: () => number;

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** False: so many are too many now. One is always stored: an event has to wait somewhere. */
  take(namespaceUid: string, deliveries: number): boolean {
    if (deliveries <= 1) return true;
    const now = this.#now();
    const room = this.#rooms.get(namespaceUid) ?? this.#add(namespaceUid, now);
    room.left = leftAt(room, now);
    room.at = now;
    if (deliveries > room.left) return false;
    room.left -= deliveries;
    return true;
  }

  #add(namespaceUid: string, now: number): Room {
    if (this.#rooms.size >= mostKept) {
      for (const [uid, each] of this.#rooms) if (leftAt(each, now) >= burst) this.#rooms.delete(uid);
    }
    const room = { left: burst, at: now };
    this.#rooms.set(namespaceUid, room);
    return room;
  }
}

function leftAt({ left, at }: Room, now: number): number {
  return Math.min(burst, left + ((now - at) / 1000) * perSecond);
}
