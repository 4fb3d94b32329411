/**
 * Turns of Lua verifiers, by function: whoever asks is not verified yet, so nothing else bounds what strangers make a function
 * compute. Few run at once, some wait, client addresses take turns, and the rest is told to come again.
 */
import { FairQueue } from '../lua/fair-queue.ts';

export interface VerifierLimits {
  readonly running: number;
  readonly waiting: number;
  readonly waitingPerAddress: number;
}

/** Of each function and thread. */
const usualLimits: VerifierLimits = { running: 4, waiting: 128, waitingPerAddress: 32 };

interface FunctionTurns {
  running: number;
  readonly waiting: FairQueue<() => void>;
  readonly byAddress: Map<string, number>;
}

export class VerifierTurns {
  readonly #limits: VerifierLimits;
  readonly #functions = new Map<string, FunctionTurns>();

  constructor(limits: VerifierLimits = usualLimits) {
    this.#limits = limits;
  }

  /** True: now. A promise: then. False: there are too many. A turn that was had is given back with `end`. */
  take(functionUid: string, address: string): boolean | Promise<true> {
    let turns = this.#functions.get(functionUid);
    if (turns === undefined) {
      turns = { running: 0, waiting: new FairQueue(), byAddress: new Map() };
      this.#functions.set(functionUid, turns);
    }
    const { running, waiting, byAddress } = turns;
    if (running < this.#limits.running) {
      turns.running += 1;
      return true;
    }
    const own = byAddress.get(address) ?? 0;
    if (waiting.length >= this.#limits.waiting || own >= this.#limits.waitingPerAddress) return false;
    byAddress.set(address, own + 1);
    return new Promise((resolve) => waiting.push({ namespaceUid: address, revision: '' }, () => resolve(true)));
  }

  /** The next one takes the turn over. */
  end(functionUid: string): void {
    const turns = this.#functions.get(functionUid);
    if (turns === undefined) return;
    const { waiting, byAddress } = turns;
    const next = waiting.next();
    if (next === undefined) {
      turns.running -= 1;
      if (turns.running === 0) this.#functions.delete(functionUid);
      return;
    }
    const address = next.namespaceUid;
    const left = (byAddress.get(address) ?? 0) - 1;
    if (left > 0) byAddress.set(address, left);
    else byAddress.delete(address);
    waiting.take(next)?.();
  }
}
