/** Runs long calls: suspended between slices, each slice in a turn of the event loop of its own. */
import type { Call } from './call.ts';
import type { CallOutcomes } from './call-outcome.ts';
import { prepareCall } from './call-stack.ts';
import { readError } from './explain-error.ts';
import { finishStart } from './function-start.ts';
import { pushStart } from './load-program.ts';
import type { Machine } from './machine.ts';
import { queueForMachine, quickMs } from './machine-queue.ts';
import type { RunnerHost } from './runner-host.ts';
import type { CallResult } from './types.ts';

/** One per engine. */
export class SlicedRunner {
  readonly #host: RunnerHost;
  readonly #outcomes: CallOutcomes;

  constructor(host: RunnerHost, outcomes: CallOutcomes) {
    this.#host = host;
    this.#outcomes = outcomes;
  }

  /** Starts a call in its turn, in a machine of its own. `later`: not in this turn. */
  start(call: Call, later: boolean): void {
    call.sliced = true;
    const { sliced, slices } = this.#host;
    const begin = (): void => {
      call.leaveQueue = undefined;
      this.#host.waiting(call, false);
      const machine = sliced.take(call);
      if (machine !== undefined) this.#begin(call, machine);
      else queueForMachine(this.#host, call, sliced, (free) => this.#begin(call, free));
    };
    const leave = slices.enter(call, begin, later);
    if (leave === undefined) return;
    call.leaveQueue = leave;
    // Its memory is promised from here on: who comes after it is refused, not it.
    this.#host.waiting(call, true);
  }

  #begin(call: Call, machine: Machine): void {
    this.#settleLater(call, this.#startOn(call, machine));
  }

  async #startOn(call: Call, machine: Machine): Promise<CallResult | undefined> {
    machine.seat(call, true);
    const { program } = call;
    let args: number;
    try {
      const restored = this.#host.images.restore(machine, program);
      machine.applyMemoryLimit(call);
      if (!restored) {
        call.loading = true;
        const status = await this.enter(call, machine, pushStart(machine, program, program.bytecode));
        finishStart(call, machine, status, this.#host.images);
      }
      args = prepareCall(call, machine);
    } catch (error) {
      return this.#outcomes.caught(call, machine, error);
    }
    return this.#run(call, machine, args);
  }

  /** Runs Lua in slices until it gives the machine back (loading uses it too): gives Lua's status, throws ends. */
  async enter(call: Call, machine: Machine, args: number): Promise<number> {
    try {
      machine.startSlice(call);
      return await machine.resumeSliced(call.thread, args, 1);
    } finally {
      machine.stopSlice(call);
      machine.views.refresh();
    }
  }

  /** A waiting call goes on in the machine it is in. */
  resume(call: Call, machine: Machine): void {
    this.#settleLater(call, this.#run(call, machine, 0));
  }

  async #run(call: Call, machine: Machine, firstArgs: number): Promise<CallResult | undefined> {
    const before = call.cpuMs;
    let args = firstArgs;
    for (;;) {
      let status: number;
      try {
        status = await this.enter(call, machine, args);
      } catch (error) {
        return this.#outcomes.caught(call, machine, error);
      }
      const next = this.#outcomes.afterEntry(call, machine, status);
      if (next === 'go on') {
        args = 0;
        continue;
      }
      call.program.quick = call.cpuMs - before < quickMs;
      return next === 'close' ? this.#close(call, machine) : next;
    }
  }

  /** After an error: the thread's `__close` handlers run, metered like all else. Their own errors change nothing. */
  async #close(call: Call, machine: Machine): Promise<CallResult | undefined> {
    try {
      machine.startSlice(call);
      const { error, whole } = readError(machine, call);
      if (whole) await machine.closeSliced(call.thread, 1);
      machine.stopSlice(call);
      return this.#outcomes.finish(call, machine, { kind: 'error', error });
    } catch (error) {
      machine.stopSlice(call);
      return this.#outcomes.caught(call, machine, error);
    }
  }

  #settleLater(call: Call, running: Promise<CallResult | undefined>): void {
    running.then(
      (result) => {
        if (result !== undefined) this.#host.ended(call, result);
      },
      (error: unknown) => this.#host.ended(call, this.#outcomes.failed(call, error)),
    );
  }
}
