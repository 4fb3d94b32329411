/** Drives calls through machines: enters Lua, waits for operations, parks and resumes, ends. */
import type { Call, Operation } from './call.ts';
import { MachineEnd } from './ends.ts';
import { killedAt, readError } from './explain-error.ts';
import { hostMark } from './host-dispatch.ts';
import { difference, type Delta } from './image.ts';
import type { ImageCache } from './image-cache.ts';
import { isDone } from './internal-functions.ts';
import { outCount, statusOk, statusYield, tags, valueBytes } from './layout.ts';
import { pushStart, sealStart } from './load-program.ts';
import type { Machine } from './machine.ts';
import type { MachinePool } from './machine-pool.ts';
import { ReadBudget } from './read-value.ts';
import { finishedCall } from './call-result.ts';
import type { CallResult, LuaValue } from './types.ts';
import { LuaRaise } from './types.ts';

/** Copying counts as CPU: one millisecond for so many bytes. */
const copyBytesPerMs = 4 * 1024 * 1024;
/** Above this a waiting call keeps its machine. */
const movableBytes = 1024 * 1024;
/** A top level that took longer is run in slices when its image has to be made again. */
const quickStartMs = 5;

/** What the runner needs around it. */
export interface RunnerHost {
  readonly plain: MachinePool;
  readonly sliced: MachinePool;
  clock(): number;
  /** The call now waits in the engine's books (deadline, caps), or no longer does. */
  waiting(call: Call, waits: boolean): void;
  parked(call: Call, delta: Delta): void;
  unparked(call: Call, delta: Delta): void;
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
      this.#queue(call, this.#host.plain, (free) => {
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

  #queue(call: Call, pool: MachinePool, then: (machine: Machine) => void): void {
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

  #attach(call: Call, machine: Machine, sliced: boolean): void {
    call.machine = machine;
    call.thread = call.program.base.thread;
    call.heapFloor = call.program.base.heapEnd;
    machine.call = call;
    machine.sliced = sliced;
    machine.state = 0;
  }

  #startOn(call: Call, machine: Machine): CallResult | undefined {
    this.#attach(call, machine, false);
    let args: number;
    try {
      machine.startSlice(call, call.epoch === 0 ? call.startedAt : undefined);
      const restored = this.#host.images.restore(machine, call.program);
      machine.applyMemoryLimit(call);
      if (!restored) this.#coldStart(call, machine);
      args = this.#prepare(call, machine);
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
    call.loading = false;
    if (status !== statusOk) throw new LuaRaise('the module failed to load');
    sealStart(machine, program.base);
    this.#host.images.keep(program, difference(machine.views.u8, program.base, machine.heapEnd));
  }

  /** Pushes the handler and its arguments on the thread. */
  #prepare(call: Call, machine: Machine): number {
    const { exports, views, pusher } = machine;
    const { program, request, thread } = call;
    const { target } = request;
    call.stackBase = program.stackBase;
    const index =
      'handler' in target ? program.handlers.get(target.handler) : program.expressions.get(target.expression);
    if (index === undefined) throw new LuaRaise('no such handler');
    if (request.globals !== undefined) this.#setGlobals(machine, thread, call);
    exports.lua_pushvalue(thread, index);
    views.refresh();
    for (const value of request.arguments) pusher.push(thread, value);
    return request.arguments.length;
  }

  #setGlobals(machine: Machine, thread: number, call: Call): void {
    const { exports, views, pusher } = machine;
    exports.lua_rawgeti(thread, -1001000, 2n);
    views.refresh();
    for (const [name, value] of Object.entries(call.request.globals ?? {})) {
      views.pushText(thread, name);
      pusher.push(thread, value);
      exports.lua_rawset(thread, -3);
      views.refresh();
    }
    exports.lua_settop(thread, -2);
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
    if (machine === undefined) this.#queue(call, this.#host.sliced, begin);
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
    this.#attach(call, machine, true);
    const { program } = call;
    let args: number;
    try {
      const restored = this.#host.images.restore(machine, program);
      machine.applyMemoryLimit(call);
      if (!restored) {
        call.loading = true;
        const status = await this.enter(call, machine, pushStart(machine, program, program.bytecode));
        call.loading = false;
        if (status !== statusOk) throw new LuaRaise('the module failed to load');
        sealStart(machine, program.base);
        this.#host.images.keep(program, difference(machine.views.u8, program.base, machine.heapEnd));
      }
      args = this.#prepare(call, machine);
    } catch (error) {
      return this.#caught(call, machine, error);
    }
    return this.#slices(call, machine, args);
  }

  /** What an entry's status means: the call's result, a wait (undefined), or that it can go on at once. */
  #afterEntry(call: Call, machine: Machine, status: number): CallResult | undefined | 'go on' | 'close' {
    try {
      if (status === statusYield) {
        const operation = this.#yielded(call, machine);
        if (operation === undefined) return this.#foreignYield(call, machine);
        const recorded = call.journal?.nextResumption();
        if (recorded !== undefined) {
          for (const number of recorded) {
            const known = call.operations[number - 1];
            if (known !== undefined) known.visible = true;
          }
          return 'go on';
        }
        if (isDone(operation)) {
          this.#reveal(call);
          return 'go on';
        }
        call.waitingFor = operation;
        this.#host.waiting(call, true);
        this.#poolOf(machine).offer();
        return undefined;
      }
      if (status === statusOk) return this.#finish(call, machine, { kind: 'ok', values: this.#results(call, machine) });
      return 'close';
    } catch (error) {
      return this.#caught(call, machine, error);
    }
  }

  #poolOf(machine: Machine): MachinePool {
    return machine.sliced ? this.#host.sliced : this.#host.plain;
  }

  /** Pops what was yielded; undefined: the script itself yielded to nobody. */
  #yielded(call: Call, machine: Machine): Operation | undefined {
    const { views, exports } = machine;
    const count = views.i32[outCount >>> 2] ?? 0;
    const top = views.top(call.thread);
    const marked =
      count === 2 &&
      views.tag(top - 2 * valueBytes) === tags.lightUserdata &&
      views.word(top - 2 * valueBytes) === hostMark;
    if (!marked) return undefined;
    const number = Number(views.integer(top - valueBytes));
    exports.lua_settop(call.thread, -3);
    return call.operations[number - 1];
  }

  #foreignYield(call: Call, machine: Machine): CallResult {
    const place = killedAt(machine, call);
    const error = { message: 'attempt to yield from outside a coroutine', ...place };
    return this.#finish(call, machine, { kind: 'error', error });
  }

  /** Makes what has settled visible to Lua, in one recorded step. */
  #reveal(call: Call): void {
    const arrived: number[] = [];
    for (const operation of call.operations) {
      if (operation.outcome === undefined || operation.visible) continue;
      operation.visible = true;
      arrived.push(operation.number);
    }
    if (call.keepsJournal) call.recordResumption(arrived);
  }

  #results(call: Call, machine: Machine): LuaValue[] {
    const { views } = machine;
    const budget = new ReadBudget(call.limits.resultBytes);
    const values: LuaValue[] = [];
    const top = views.top(call.thread);
    for (let at = views.argumentBase(call.thread) + (call.stackBase + 1) * valueBytes; at < top; at += valueBytes) {
      values.push(machine.reader.read(at, budget));
    }
    return values;
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

  /** An operation has settled: resumes the call if that is what it waits for. */
  settled(call: Call): void {
    const operation = call.waitingFor;
    if (operation === undefined || !isDone(operation)) return;
    this.#reveal(call);
    call.waitingFor = undefined;
    this.#host.waiting(call, false);
    const { machine } = call;
    if (machine !== undefined) this.#continue(call, machine);
    else this.#unpark(call);
  }

  #continue(call: Call, machine: Machine): void {
    if (call.sliced) {
      this.#settleLater(call, this.#slices(call, machine, 0));
      return;
    }
    const result = this.#plain(call, machine, 0);
    if (result !== undefined) this.#host.ended(call, result);
  }

  /** Takes a waiting call out of its machine. */
  park(call: Call): boolean {
    const { machine } = call;
    if (machine === undefined) return false;
    const { heapEnd } = machine;
    if (heapEnd - call.heapFloor > movableBytes) return false;
    const delta = difference(machine.views.u8, call.program.base, heapEnd);
    call.cpuMs += delta.bytes / copyBytesPerMs;
    call.memoryPeak = Math.max(call.memoryPeak, heapEnd - call.heapFloor + call.heldPeak);
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
      this.#attach(call, machine, call.sliced);
      machine.restore(call.program.base, delta, call.program.namespaceUid);
      machine.exports.mh_set_limit(call.heapFloor + call.limits.memoryBytes - call.held);
      call.cpuMs += delta.bytes / copyBytesPerMs;
      this.#host.unparked(call, delta);
      this.#continue(call, machine);
    };
    const machine = pool.take();
    if (machine === undefined) this.#queue(call, pool, restore);
    else restore(machine);
  }

  /** Ends a call that is not running: it waits, is parked or stands in a queue. */
  endIdle(call: Call, end: MachineEnd): void {
    call.leaveQueue?.();
    call.leaveQueue = undefined;
    this.#host.waiting(call, false);
    call.waitingFor = undefined;
    const { machine } = call;
    if (machine !== undefined) {
      const result = this.#caught(call, machine, end);
      if (result !== undefined) this.#host.ended(call, result);
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
