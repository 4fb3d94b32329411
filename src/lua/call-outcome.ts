/** What it means that Lua gave the machine back or that something was thrown out of it: a result, a wait, another attempt. */
import type { Call } from './call.ts';
import { finishedCall, type CallEnd } from './call-result.ts';
import { readResults, takeYield } from './call-stack.ts';
import { MachineEnd } from './ends.ts';
import { foreignYield, killedAt } from './explain-error.ts';
import { isDone } from './internal-functions.ts';
import { statusOk, statusYield } from './layout.ts';
import type { Machine } from './machine.ts';
import type { MachinePool } from './machine-pool.ts';
import type { RunnerHost } from './runner-host.ts';
import { LuaRaise, type CallResult } from './types.ts';

/** After an entry: the result, undefined where the call waits, or what to do next. */
export type NextStep = CallResult | undefined | 'go on' | 'close';

/** One per engine. */
export class CallOutcomes {
  readonly #host: RunnerHost;
  /** Runs a call again in slices, later. */
  readonly #again: (call: Call) => void;

  constructor(host: RunnerHost, again: (call: Call) => void) {
    this.#host = host;
    this.#again = again;
  }

  poolOf(machine: Machine): MachinePool {
    return machine.sliced ? this.#host.sliced : this.#host.plain;
  }

  /** What an entry's status means. */
  afterEntry(call: Call, machine: Machine, status: number): NextStep {
    try {
      if (status === statusYield) {
        const operation = takeYield(call, machine);
        if (operation === undefined) return this.#foreignYield(call, machine);
        if (call.repeatResumption()) return 'go on';
        if (isDone(operation)) {
          call.reveal();
          return 'go on';
        }
        // Ended from outside after its last look at the clock: it would wait until its deadline.
        if (call.pendingEnd !== undefined) return this.caught(call, machine, call.pendingEnd);
        call.waitingFor = operation;
        this.#host.waiting(call, true);
        this.poolOf(machine).offer();
        return undefined;
      }
      if (status === statusOk) return this.finish(call, machine, { kind: 'ok', values: readResults(call, machine) });
      return 'close';
    } catch (error) {
      return this.caught(call, machine, error);
    }
  }

  #foreignYield(call: Call, machine: Machine): CallResult {
    const place = killedAt(machine, call);
    const error = { message: foreignYield, ...place };
    return this.finish(call, machine, { kind: 'error', error });
  }

  /** The call has ended and its machine serves others. */
  finish(call: Call, machine: Machine, end: CallEnd): CallResult {
    machine.notePeak(call);
    call.machine = undefined;
    this.poolOf(machine).release(machine);
    return finishedCall(call, end);
  }

  /** What was thrown out of a machine: an end, a value that cannot cross, or a defect. */
  caught(call: Call, machine: Machine, thrown: unknown): CallResult | undefined {
    const error = machine.end ?? thrown;
    call.loading = false;
    if (error instanceof MachineEnd) return this.#ended(call, machine, error);
    if (error instanceof LuaRaise) {
      return this.finish(call, machine, { kind: 'error', error: { message: error.message } });
    }
    // A trap or an error outside any handler: nothing in this instance is trusted any more.
    return this.#broken(call, machine, error);
  }

  #ended(call: Call, machine: Machine, end: MachineEnd): CallResult | undefined {
    const { kind, message } = end;
    if (kind === 'reslice') return this.#reslice(call, machine);
    if (kind === 'exit') return this.finish(call, machine, { kind, values: end.values });
    if (kind === 'defect' || kind === 'convert') return this.#broken(call, machine, new Error(message));
    if (kind === 'memory') call.memoryPeak = Math.max(call.memoryPeak, call.limits.memoryBytes);
    else machine.notePeak(call);
    const place = killedAt(machine, call);
    call.machine = undefined;
    this.poolOf(machine).release(machine);
    return finishedCall(call, { kind, error: { message, ...place } });
  }

  #broken(call: Call, machine: Machine, error: unknown): CallResult {
    call.machine = undefined;
    const pool = this.poolOf(machine);
    pool.drop(machine);
    pool.offer();
    return this.failed(call, error);
  }

  /** Reports a defect; the user learns no details. */
  failed(call: Call, error: unknown): CallResult {
    this.#host.defect(error, call);
    return finishedCall(call, { kind: 'error', error: { message: 'internal error of the engine' } });
  }

  #reslice(call: Call, machine: Machine): undefined {
    this.#host.markLong(call);
    call.machine = undefined;
    this.poolOf(machine).release(machine);
    call.restart();
    this.#again(call);
    return undefined;
  }
}
