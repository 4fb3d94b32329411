/**
 * Shares the time of a thread between the sockets it reads: an answer in pieces of one byte, or after thousands of
 * informational ones, costs a hundred times what its bytes cost, and is read as fast as it comes.
 */
import type { Duplex } from 'node:stream';

const firstPiece = 4 * 1024;
const leastPiece = 1024;
const mostPiece = 64 * 1024;
/** What becomes of one piece should take about so long. */
const pieceMs = 0.5;
/** Of one turn of the event loop, for all sockets together. */
const turnMs = 2;

/** One for all sockets of a thread. */
export class ReadTurns {
  readonly #now: () => number;
  readonly #nextTurn: (callback: () => void) => void;
  /** Sockets with something to read, in the order of their turns. */
  readonly #waiting: (() => void)[] = [];
  #spentMs = 0;
  #turn = 0;
  #planned = false;

  /** `now`: monotonic milliseconds. `nextTurn` calls back when others have had theirs. */
  constructor(now: () => number, nextTurn: (callback: () => void) => void) {
    this.#now = now;
    this.#nextTurn = nextTurn;
  }

  /** From now on, whoever reads all there is in a loop is given a piece at a time, and nothing more when its time is over. */
  pace(socket: Duplex): void {
    const read = socket.read.bind(socket) as (size?: number) => unknown;
    let piece = firstPiece;
    let given: { readonly at: number; readonly turn: number } | undefined;
    let waits = false;
    const goOn = (): void => {
      waits = false;
      if (!socket.destroyed) socket.emit('readable');
    };
    socket.read = (size?: number): unknown => {
      if (size !== undefined) return read(size);
      const at = this.#now();
      // Who reads again in the same turn has done with the piece before.
      if (given?.turn === this.#turn) {
        const took = at - given.at;
        this.#spentMs += took;
        if (took > pieceMs) piece = Math.max(leastPiece, piece >> 1);
        else if (took < pieceMs / 4) piece = Math.min(mostPiece, piece << 1);
      }
      given = undefined;
      if (this.#spentMs >= turnMs && socket.readableLength > 0) {
        if (!waits) this.#waiting.push(goOn);
        waits = true;
        return null;
      }
      const chunk = socket.readableLength > piece ? read(piece) : read();
      if (chunk !== null) {
        given = { at, turn: this.#turn };
        this.#plan();
      }
      return chunk;
    };
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#nextTurn(() => this.#begin());
  }

  #begin(): void {
    this.#planned = false;
    this.#turn += 1;
    this.#spentMs = 0;
    while (this.#spentMs < turnMs) {
      const goOn = this.#waiting.shift();
      if (goOn === undefined) return;
      goOn();
    }
    if (this.#waiting.length > 0) this.#plan();
  }
}
