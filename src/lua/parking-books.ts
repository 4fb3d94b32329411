/** The books of waiting and parked calls: who may still start, and who ends when the process is at its cap. */
import type { Call } from './call.ts';
import type { EngineSettings } from './engine-options.ts';
import type { LoadedProgram } from './loaded-program.ts';
import type { CallResult } from './types.ts';

/** A waiting call is expected to need at least this when it is parked. */
const smallestReserve = 64 * 1024;
const retryAfterMs = 1000;

interface Account {
  waiting: number;
  reserved: number;
}

/** Reserves for each waiting call what calls of its function lately needed. */
export class ParkingBooks {
  readonly #settings: EngineSettings;
  readonly #process: Account = { waiting: 0, reserved: 0 };
  readonly #namespaces = new Map<string, Account>();
  readonly #functions = new Map<LoadedProgram, Account>();
  readonly #parked = { calls: 0, bytes: 0 };

  constructor(settings: EngineSettings) {
    this.#settings = settings;
  }

  /** Undefined: the call may start. */
  admit(program: LoadedProgram): CallResult | undefined {
    if (this.#process.waiting === 0) return undefined;
    const reserve = Math.max(smallestReserve, program.parkedEstimate);
    const over = (account: Account | undefined, cap: number): boolean =>
      account !== undefined && account.reserved + reserve > cap;
    const { parkedBytes, parkedBytesPerFunction, parkedBytesPerNamespace } = this.#settings;
    const quota = program.book.allowance.parkedBytes ?? parkedBytesPerNamespace;
    const whose = over(this.#functions.get(program), parkedBytesPerFunction)
      ? 'of this function'
      : over(this.#namespaces.get(program.namespaceUid), Math.min(parkedBytesPerNamespace, quota))
        ? 'of this namespace'
        : over(this.#process, parkedBytes)
          ? 'of this runtime'
          : undefined;
    if (whose === undefined) return undefined;
    return {
      kind: 'overloaded',
      retryAfterMs,
      error: { message: `too many calls ${whose} are waiting` },
      usage: { cpuMs: 0, memoryPeakBytes: 0, hostCalls: [], log: [], logTruncated: false },
    };
  }

  #accounts(call: Call): readonly Account[] {
    const account = <Key>(map: Map<Key, Account>, key: Key): Account => {
      const known = map.get(key) ?? { waiting: 0, reserved: 0 };
      map.set(key, known);
      return known;
    };
    return [
      this.#process,
      account(this.#namespaces, call.program.namespaceUid),
      account(this.#functions, call.program),
    ];
  }

  waits(call: Call): void {
    if (call.reserved > 0) return;
    this.#reserve(call, Math.max(smallestReserve, call.program.parkedEstimate), 1);
  }

  #reserve(call: Call, bytes: number, waiting: number): void {
    const before = call.reserved;
    call.reserved = bytes;
    for (const account of this.#accounts(call)) {
      account.waiting += waiting;
      account.reserved += bytes - before;
    }
  }

  waitsNoMore(call: Call): void {
    const { reserved } = call;
    if (reserved === 0) return;
    call.reserved = 0;
    for (const account of this.#accounts(call)) {
      account.waiting -= 1;
      account.reserved -= reserved;
    }
    if (this.#functions.get(call.program)?.waiting === 0) this.#functions.delete(call.program);
    if (this.#namespaces.get(call.program.namespaceUid)?.waiting === 0)
      this.#namespaces.delete(call.program.namespaceUid);
  }

  parked(call: Call, bytes: number): void {
    const { program } = call;
    program.parkedEstimate = Math.max(bytes, Math.floor(program.parkedEstimate * 0.99));
    program.parkedBytes += bytes;
    this.#parked.calls += 1;
    this.#parked.bytes += bytes;
    if (call.reserved > 0) this.#reserve(call, Math.max(bytes, smallestReserve), 0);
  }

  unparked(call: Call, bytes: number): void {
    call.program.parkedBytes -= bytes;
    this.#parked.calls -= 1;
    this.#parked.bytes -= bytes;
  }

  /** Of the calls that run, the one to end while parked bytes are over the cap: the largest one of the function that holds most. */
  overfull(running: () => readonly Call[]): Call | undefined {
    if (this.#parked.bytes <= this.#settings.parkedBytes) return undefined;
    let victim: Call | undefined;
    let weight: readonly [number, number] = [-1, -1];
    for (const call of running()) {
      if (call.parked === undefined) continue;
      const { bytes } = call.parked;
      const own = [call.program.parkedBytes, bytes] as const;
      if (own[0] > weight[0] || (own[0] === weight[0] && own[1] > weight[1])) [victim, weight] = [call, own];
    }
    return victim;
  }

  totals(): { readonly calls: number; readonly bytes: number } {
    return { ...this.#parked };
  }
}
