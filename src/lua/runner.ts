/** Drives calls through machines: enters Lua, waits for operations, parks and resumes, ends. */
import type { Call } from './call.ts';
import { MachineEnd } from './ends.ts';
import { killedAt, readError } from './explain-error.ts';
import { prepareCall, readResults, takeYield } from './call-stack.ts';
import { difference } from './image.ts';
import type { ImageCache } from './image-cache.ts';
import { isDone } from './internal-functions.ts';
import { statusOk, statusYield } from './layout.ts';
import { pushStart, sealStart } from './load-program.ts';
import type { Machine } from './machine.ts';
import type { MachinePool } from './machine-pool.ts';
import { finishedCall } from './call-result.ts';
import { LuaRaise, type CallResult } from './types.ts';

/** A top level that took longer is run in slices when its image has to be made again. */
const quickStartMs = 5;

/** What the runner needs around it. */
export interface RunnerHost {
  readonly plain: MachinePool;
  readonly sliced: MachinePool;
  clock(): number;
  /** The call now waits in the engine's books (deadline, caps), or no longer does. */
  waiting(call: Call, waits: boolean): void;
  readonly images: ImageCache;
  markLong(call: Call): void;
  ended(call: Call, result: CallResult): void;
  defect(error: unknown, call: Call): void;
}

/** One per engine. */
export class Runner {
  readonly #host: RunnerHost;

  constructor(host: RunnerHost) {
    this.#host = host;
  }

  /** Starts a call; undefined: it waits, and is settled later. */
  start(call: Call): CallResult | undefined {
    if (call.sliced || this.#needsSlicedStart(call)) {
      this.#startSliced(call);
      return undefined;
    }
    const machine = this.#host.plain.take();
    if (machine === undefined) {
      this.queue(call, this.#host.plain, (free) => {
        const result = this.#startOn(call, free);
        if (result !== undefined) this.#host.ended(call, result);
      });
      return undefined;
    }
    return this.#startOn(call, machine);
  }

  #needsSlicedStart(call: Call): boolean {
    return call.program.delta === undefined && call.program.startMs > quickStartMs;
  }

  /** Lets a call wait for a machine. */
  queue(call: Call, pool: MachinePool, then: (machine: Machine) => void): void {
    this.#host.waiting(call, true);
    const leave = pool.wait((machine) => {
      call.leaveQueue = undefined;
      if (call.ended) {
        pool.release(machine);
        return;
      }
      this.#host.waiting(call, false);
      then(machine);
    });
    call.leaveQueue = leave;
  }

  /** Makes a machine the call's own. */
  attach(call: Call, machine: Machine, sliced: boolean): void {
    call.machine = machine;
    call.thread = call.program.base.thread;
    call.heapFloor = call.program.base.heapEnd;
    machine.call = call;
    machine.sliced = sliced;
    machine.state = 0;
  }

  #startOn(call: Call, machine: Machine): CallResult | undefined {
    this.attach(call, machine, false);
    let args: number;
    try {
      machine.startSlice(call, call.epoch === 0 ? call.startedAt : undefined);
      const restored = this.#host.images.restore(machine, call.program);
      machine.applyMemoryLimit(call);
      if (!restored) this.#coldStart(call, machine);
      args = prepareCall(call, machine);
    } catch (error) {
      machine.stopSlice(call);
      return this.#caught(call, machine, error);
    }
    return this.#plain(call, machine, args);
  }

  /** Runs the top level again from bytecode; the same steps as when it was loaded. */
  #coldStart(call: Call, machine: Machine): void {
    const { program } = call;
    call.loading = true;
    const args = pushStart(machine, program, program.bytecode);
    const status = machine.exports.mh_resume(program.base.thread, args, 0);
    machine.views.refresh();
    this.#started(call, machine, status);
  }

  /** The top level has run again: its image is kept anew. */
  #started(call: Call, machine: Machine, status: number): void {
    const { program } = call;
    call.loading = false;
    if (status !== statusOk) throw new LuaRaise('the module failed to load');
    sealStart(machine, program.base);
    this.#host.images.keep(program, difference(machine.views.u8, program.base, machine.heapEnd, 'shared'));
  }

  /** Runs until the call ends or waits. */
  #plain(call: Call, machine: Machine, firstArgs: number): CallResult | undefined {
    let args = firstArgs;
    for (;;) {
      let status: number;
      try {
        machine.startSlice(call);
        status = machine.exports.mh_resume(call.thread, args, 0);
      } catch (error) {
        machine.stopSlice(call);
        return this.#caught(call, machine, error);
      } finally {
        machine.stopSlice(call);
      }
      machine.views.refresh();
      const next = this.#afterEntry(call, machine, status);
      if (next === 'close') return this.#closePlain(call, machine);
      if (next !== 'go on') return next;
      args = 0;
    }
  }

  async #slices(call: Call, machine: Machine, firstArgs: number): Promise<CallResult | undefined> {
    let args = firstArgs;
    for (;;) {
      let status: number;
      try {
        machine.startSlice(call);
        status = await machine.resumeSliced(call.thread, args, 1);
      } catch (error) {
        machine.stopSlice(call);
        return this.#caught(call, machine, error);
      } finally {
        machine.stopSlice(call);
      }
      machine.views.refresh();
      const next = this.#afterEntry(call, machine, status);
      if (next === 'close') return this.#closeSliced(call, machine);
      if (next !== 'go on') return next;
      args = 0;
    }
  }

  /** After an error: the thread's `__close` handlers run, metered like all else. Their own errors change nothing. */
  #closePlain(call: Call, machine: Machine): CallResult | undefined {
    try {
      machine.startSlice(call);
      const { error, whole } = readError(machine, call);
      if (whole) machine.exports.mh_close(call.thread, 0);
      machine.stopSlice(call);
      return this.#finish(call, machine, { kind: 'error', error });
    } catch (error) {
      machine.stopSlice(call);
      return this.#caught(call, machine, error);
    }
  }

  async #closeSliced(call: Call, machine: Machine): Promise<CallResult | undefined> {
    try {
      machine.startSlice(call);
      const { error, whole } = readError(machine, call);
      if (whole) await machine.closeSliced(call.thread, 1);
      machine.stopSlice(call);
      return this.#finish(call, machine, { kind: 'error', error });
    } catch (error) {
      machine.stopSlice(call);
      return this.#caught(call, machine, error);
    }
  }

  /** Runs a call that has a thread ready (loading uses it too): gives Lua's status, throws ends. */
  async enter(call: Call, machine: Machine, args: number): Promise<number> {
    try {
      machine.startSlice(call);
      return await machine.resumeSliced(call.thread, args, 1);
    } finally {
      machine.stopSlice(call);
      machine.views.refresh();
    }
  }

  #startSliced(call: Call): void {
    call.sliced = true;
    const begin = (machine: Machine): void => {
      this.#settleLater(call, this.#startSlicedOn(call, machine));
    };
    const machine = this.#host.sliced.take();
    if (machine === undefined) this.queue(call, this.#host.sliced, begin);
    else begin(machine);
  }

  #settleLater(call: Call, running: Promise<CallResult | undefined>): void {
    running.then(
      (result) => {
        if (result !== undefined) this.#host.ended(call, result);
      },
      (error: unknown) => {
        this.#host.defect(error, call);
        this.#host.ended(call, this.#failed(call));
      },
    );
  }

  async #startSlicedOn(call: Call, machine: Machine): Promise<CallResult | undefined> {
    this.attach(call, machine, true);
    const { program } = call;
    let args: number;
    try {
      const restored = this.#host.images.restore(machine, program);
      machine.applyMemoryLimit(call);
      if (!restored) {
        call.loading = true;
        const status = await this.enter(call, machine, pushStart(machine, program, program.bytecode));
        this.#started(call, machine, status);
      }
      args = prepareCall(call, machine);
    } catch (error) {
      return this.#caught(call, machine, error);
    }
    return this.#slices(call, machine, args);
  }

  /** What an entry's status means: the call's result, a wait (undefined), or that it can go on at once. */
  #afterEntry(call: Call, machine: Machine, status: number): CallResult | undefined | 'go on' | 'close' {
    try {
      if (status === statusYield) {
        const operation = takeYield(call, machine);
        if (operation === undefined) return this.#foreignYield(call, machine);
        if (call.repeatResumption()) return 'go on';
        if (isDone(operation)) {
          call.reveal();
          return 'go on';
        }
        call.waitingFor = operation;
        this.#host.waiting(call, true);
        this.#poolOf(machine).offer();
        return undefined;
      }
      if (status === statusOk) return this.#finish(call, machine, { kind: 'ok', values: readResults(call, machine) });
      return 'close';
    } catch (error) {
      return this.#caught(call, machine, error);
    }
  }

  #poolOf(machine: Machine): MachinePool {
    return machine.sliced ? this.#host.sliced : this.#host.plain;
  }

  #foreignYield(call: Call, machine: Machine): CallResult {
    const place = killedAt(machine, call);
    const error = { message: 'attempt to yield from outside a coroutine', ...place };
    return this.#finish(call, machine, { kind: 'error', error });
  }

  #finish(call: Call, machine: Machine, end: Parameters<typeof finishedCall>[1]): CallResult {
    call.memoryPeak = Math.max(call.memoryPeak, machine.heapEnd - call.heapFloor + call.heldPeak);
    call.machine = undefined;
    this.#poolOf(machine).release(machine);
    return finishedCall(call, end);
  }

  #failed(call: Call): CallResult {
    return finishedCall(call, { kind: 'error', error: { message: 'internal error of the engine' } });
  }

  /** What was thrown out of a machine: an end, a value that cannot cross, or a defect. */
  #caught(call: Call, machine: Machine, thrown: unknown): CallResult | undefined {
    const error = machine.end ?? thrown;
    call.loading = false;
    if (error instanceof MachineEnd) {
      if (error.kind === 'reslice') return this.#again(call, machine);
      if (error.kind === 'exit') return this.#finish(call, machine, { kind: 'exit', values: error.values });
      if (error.kind === 'defect' || error.kind === 'convert') {
        this.#host.defect(new Error(error.message), call);
        this.#discard(call, machine);
        return this.#failed(call);
      }
      const peak = machine.heapEnd - call.heapFloor + call.heldPeak;
      call.memoryPeak = Math.max(call.memoryPeak, error.kind === 'memory' ? call.limits.memoryBytes : peak);
      const place = killedAt(machine, call);
      call.machine = undefined;
      this.#poolOf(machine).release(machine);
      return finishedCall(call, { kind: error.kind, error: { message: error.message, ...place } });
    }
    if (error instanceof LuaRaise) {
      return this.#finish(call, machine, { kind: 'error', error: { message: error.message } });
    }
    // A trap or an error outside any handler: nothing in this instance is trusted any more.
    this.#host.defect(error, call);
    this.#discard(call, machine);
    return this.#failed(call);
  }

  #discard(call: Call, machine: Machine): void {
    call.machine = undefined;
    this.#poolOf(machine).drop(machine);
    this.#poolOf(machine).offer();
  }

  #again(call: Call, machine: Machine): undefined {
    this.#host.markLong(call);
    call.machine = undefined;
    this.#poolOf(machine).release(machine);
    call.restart();
    this.#startSliced(call);
    return undefined;
  }

  /** A waiting call goes on in the machine it is in. */
  resume(call: Call, machine: Machine): void {
    if (call.sliced) {
      this.#settleLater(call, this.#slices(call, machine, 0));
      return;
    }
    const result = this.#plain(call, machine, 0);
    if (result !== undefined) this.#host.ended(call, result);
  }

  /** Ends a call that sits in a machine without running. */
  endIn(call: Call, machine: Machine, end: MachineEnd): void {
    const result = this.#caught(call, machine, end);
    if (result !== undefined) this.#host.ended(call, result);
  }
}
