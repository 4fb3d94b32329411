/** Calls that wait for the host: resumed when their operation settles, moved out of their machine when another call needs it. */
import type { Call } from './call.ts';
import { finishedCall } from './call-result.ts';
import type { MachineEnd } from './ends.ts';
import { differenceInBlocks, type Delta } from './image.ts';
import { isDone } from './internal-functions.ts';
import type { Machine } from './machine.ts';
import { needsTurn, queueForMachine } from './machine-queue.ts';
import type { Runner } from './runner.ts';
import type { RunnerHost } from './runner-host.ts';

/** Copying counts as CPU: one millisecond for so many bytes. */
const copyBytesPerMs = 4 * 1024 * 1024;
/** Above this a waiting call keeps its machine. */
const movableBytes = 1024 * 1024;

/** Told when a call leaves its machine and when it comes back. */
export interface ParkingHost {
  parked(call: Call, delta: Delta): void;
  unparked(call: Call, delta: Delta): void;
}

/** One per engine. */
export class WaitingCalls {
  readonly #host: RunnerHost & ParkingHost;
  readonly #runner: Runner;

  constructor(host: RunnerHost & ParkingHost, runner: Runner) {
    this.#host = host;
    this.#runner = runner;
  }

  /** An operation has settled: resumes the call if that is what it waits for. */
  settled(call: Call): void {
    const operation = call.waitingFor;
    if (operation === undefined || !isDone(operation)) return;
    call.reveal();
    call.waitingFor = undefined;
    this.#host.waiting(call, false);
    if (!needsTurn(this.#host, call)) this.#goOn(call);
    else call.waitsIn(this.#host.slices.enter(call, () => this.#goOn(call)));
  }

  #goOn(call: Call): void {
    call.leaveQueue = undefined;
    const { machine } = call;
    if (machine !== undefined) this.#runner.resume(call, machine);
    else this.#unpark(call);
  }

  /** Takes a waiting call out of its machine. */
  park(call: Call): boolean {
    const { machine } = call;
    if (machine === undefined) return false;
    const { heapEnd } = machine;
    if (heapEnd - call.heapFloor > movableBytes) return false;
    const delta = differenceInBlocks(machine.exports, machine.views.u8, call.program.base.loaded, heapEnd);
    call.cpuMs += delta.bytes / copyBytesPerMs;
    machine.notePeak(call);
    call.liveBytes = machine.exports.mh_live();
    call.parked = delta;
    call.machine = undefined;
    machine.call = undefined;
    machine.reserved = false;
    this.#host.parked(call, delta);
    return true;
  }

  #unpark(call: Call): void {
    const pool = call.sliced ? this.#host.sliced : this.#host.plain;
    const restore = (machine: Machine): void => {
      const delta = call.parked;
      if (delta === undefined) throw new Error('a call without a machine was not parked');
      call.parked = undefined;
      machine.seat(call, call.sliced);
      machine.restore(call.program.base, delta, call.program.namespaceUid);
      machine.exports.mh_set_live(call.liveBytes);
      machine.exports.mh_set_limit(call.heapFloor + call.limits.memoryBytes - call.held);
      call.cpuMs += delta.bytes / copyBytesPerMs;
      this.#host.unparked(call, delta);
      this.#runner.resume(call, machine);
    };
    const machine = pool.take(call);
    if (machine !== undefined) restore(machine);
    else queueForMachine(this.#host, call, pool, restore);
  }

  /** Ends a call that is not running: it waits, is parked or stands in a queue. */
  endIdle(call: Call, end: MachineEnd): void {
    call.leaveQueue?.();
    call.leaveQueue = undefined;
    this.#host.waiting(call, false);
    call.waitingFor = undefined;
    const { machine } = call;
    if (machine !== undefined) {
      this.#runner.endIn(call, machine, end);
      return;
    }
    if (call.parked !== undefined) {
      this.#host.unparked(call, call.parked);
      call.parked = undefined;
    }
    const kind = end.kind === 'timeout' || end.kind === 'memory' || end.kind === 'cpu' ? end.kind : 'cancelled';
    this.#host.ended(call, finishedCall(call, { kind, error: { message: end.message } }));
  }
}
