/** Drives calls through machines: quick ones in one piece, long ones in slices. */
import type { Call } from './call.ts';
import { CallOutcomes } from './call-outcome.ts';
import { prepareCall } from './call-stack.ts';
import { MachineEnd } from './ends.ts';
import { readError } from './explain-error.ts';
import { needsSlicedStart, startAgain } from './function-start.ts';
import type { Machine } from './machine.ts';
import { needsTurn, queueForMachine, quickMs } from './machine-queue.ts';
import { keepsTooMuch } from './operation.ts';
import type { RunnerHost } from './runner-host.ts';
import { SlicedRunner } from './sliced-runner.ts';
import type { CallResult } from './types.ts';

/** One per engine. */
export class Runner {
  readonly #host: RunnerHost;
  readonly #outcomes: CallOutcomes;
  readonly #sliced: SlicedRunner;

  constructor(host: RunnerHost) {
    this.#host = host;
    this.#outcomes = new CallOutcomes(host, (call) => this.#sliced.start(call, true));
    this.#sliced = new SlicedRunner(host, this.#outcomes);
  }

  /** Starts a call; undefined: it waits, and is settled later. */
  start(call: Call): CallResult | undefined {
    if (needsTurn(this.#host, call) || needsSlicedStart(call)) {
      this.#sliced.start(call, false);
      return undefined;
    }
    const machine = this.#host.plain.take(call);
    if (machine !== undefined) return this.#startOn(call, machine);
    queueForMachine(this.#host, call, this.#host.plain, (free) => {
      const result = this.#startOn(call, free);
      if (result !== undefined) this.#host.ended(call, result);
    });
    return undefined;
  }

  #startOn(call: Call, machine: Machine): CallResult | undefined {
    machine.seat(call, false);
    let args: number;
    try {
      machine.startSlice(call, call.epoch === 0 ? call.startedAt : undefined);
      const restored = this.#host.images.restore(machine, call.program);
      machine.applyMemoryLimit(call);
      if (!restored) startAgain(call, machine, this.#host.images);
      args = prepareCall(call, machine);
    } catch (error) {
      machine.stopSlice(call);
      return this.#outcomes.caught(call, machine, error);
    }
    return this.#run(call, machine, args);
  }

  /** Runs in one piece until the call ends or waits. */
  #run(call: Call, machine: Machine, firstArgs: number): CallResult | undefined {
    const before = call.cpuMs;
    let args = firstArgs;
    for (;;) {
      let status: number;
      try {
        machine.startSlice(call);
        status = machine.exports.mh_resume(call.thread, args, 0);
      } catch (error) {
        machine.stopSlice(call);
        this.#held(call, before);
        return this.#outcomes.caught(call, machine, error);
      }
      machine.stopSlice(call);
      machine.views.refresh();
      const next = this.#outcomes.afterEntry(call, machine, status);
      if (next === 'go on') {
        args = 0;
        continue;
      }
      this.#held(call, before);
      return next === 'close' ? this.#close(call, machine) : next;
    }
  }

  /** The thread was held for this call, and others waited. */
  #held(call: Call, before: number): void {
    const quick = call.cpuMs - before < quickMs;
    call.program.quick = quick;
    if (!quick) this.#host.slices.take();
  }

  /** After an error: the thread's `__close` handlers run, metered like all else. Their own errors change nothing. */
  #close(call: Call, machine: Machine): CallResult | undefined {
    try {
      machine.startSlice(call);
      const { error, whole } = readError(machine, call);
      if (whole) machine.exports.mh_close(call.thread, 0);
      machine.stopSlice(call);
      return this.#outcomes.finish(call, machine, { kind: 'error', error });
    } catch (error) {
      machine.stopSlice(call);
      return this.#outcomes.caught(call, machine, error);
    }
  }

  /** Runs Lua in slices until it gives the machine back: for loading. */
  enter(call: Call, machine: Machine, args: number): Promise<number> {
    return this.#sliced.enter(call, machine, args);
  }

  /** A waiting call goes on in the machine it is in. */
  resume(call: Call, machine: Machine): void {
    if (call.sliced) {
      this.#sliced.resume(call, machine);
      return;
    }
    if (keepsTooMuch(call)) {
      this.#outcomes.caught(call, machine, machine.throwEnd(new MachineEnd('reslice', 'runs again in slices')));
      return;
    }
    const result = this.#run(call, machine, 0);
    if (result !== undefined) this.#host.ended(call, result);
  }

  /** Ends a call that sits in a machine without running. */
  endIn(call: Call, machine: Machine, end: MachineEnd): void {
    const result = this.#outcomes.caught(call, machine, end);
    if (result !== undefined) this.#host.ended(call, result);
  }
}
