/** Carries a call of a host function from Lua to JavaScript and its outcome back. */
import type { Call } from './call.ts';
import { MachineEnd } from './ends.ts';
import { readField } from './give-lazy.ts';
import type { Outcome } from './journal.ts';
import { closureUpvalues, frameFunction, stateFrame } from './layout.ts';
import type { Machine } from './machine.ts';
import { keepOutcome, takeOutcome, type Operation } from './operation.ts';
import { OperationView } from './operation-view.ts';
import { LuaRaise, Results, type HostFunction, type LuaInput, type WaitingHostFunction } from './types.ts';

/** A function of the engine itself: works on the machine, gives the number of results. */
export interface InternalFunction {
  readonly kind: 'internal';
  readonly name: string;
  run(machine: Machine, state: number, call: Call): number;
}

export type Callable<Context> = InternalFunction | HostFunction<Context>;

/** Told of the settled operations and of defects in host functions. */
export interface DispatchEvents {
  settled(call: Call, operation: Operation): void;
  defect(error: unknown, name: string, call: Call): void;
  /** A waiting function met an end of its call (memory held outside). */
  end(call: Call, end: MachineEnd): void;
  clock(): number;
}

/** Outcome codes of the imports `host` and `host_continue`. */
const raised = -1;
/** Work units of one host call, before its bytes; a direct function may take milliseconds, one of the engine does not. */
const callUnits = 2048;
const internalUnits = 128;
/** The light userdata that marks a yield to the host. */
export const hostMark = 1;

/** All functions Lua can call, by their number in the base image. */
export class HostDispatch<Context = unknown> {
  readonly functions: readonly Callable<Context>[];
  readonly #events: DispatchEvents;

  constructor(functions: readonly Callable<Context>[], events: DispatchEvents) {
    this.functions = functions;
    this.#events = events;
  }

  run(machine: Machine, state: number): number {
    const { views } = machine;
    views.refresh();
    const closure = views.word(views.word(views.word(state + stateFrame) + frameFunction));
    const entry = this.functions[views.word(closure + closureUpvalues)];
    const { call } = machine;
    if (entry === undefined || call === undefined) throw machine.throwEnd(new MachineEnd('defect', 'no such function'));
    const before = machine.state;
    machine.state = state;
    try {
      if (entry.kind === 'internal') {
        machine.addWork(internalUnits);
        return entry.run(machine, state, call);
      }
      machine.addWork(callUnits);
      if (call.loading && !entry.atLoad) throw new LuaRaise(`'${entry.name}' at load time: move it into the handler`);
      machine.args.aim(state, entry.name);
      if (entry.kind === 'waiting') return this.#start(machine, state, call, entry);
      if (entry.effect === true)
        return this.#effect(machine, state, call, entry.name, () => entry.run(machine.args, call as Call<Context>));
      return this.#push(machine, state, entry.run(machine.args, call as Call<Context>));
    } catch (error) {
      return this.#raise(machine, state, call, entry.name, error);
    } finally {
      machine.state = before;
    }
  }

  /** `readField` of the table in the frame. */
  lazyField(machine: Machine, state: number): number {
    machine.views.refresh();
    const { call, state: before } = machine;
    if (call === undefined) throw machine.throwEnd(new MachineEnd('defect', 'a lazy table outside a call'));
    machine.state = state;
    try {
      machine.addWork(internalUnits);
      return readField(machine, state, call);
    } catch (error) {
      return this.#raise(machine, state, call, 'engine.lazy_field', error);
    } finally {
      machine.state = before;
    }
  }

  /** Continues a waiting function after its operation has become visible. */
  resume(machine: Machine, state: number, number: number): number {
    machine.views.refresh();
    const { call } = machine;
    const operation = call?.operations[number - 1];
    if (call === undefined || operation?.outcome === undefined) {
      throw machine.throwEnd(new MachineEnd('defect', 'resumed without an outcome'));
    }
    const before = machine.state;
    machine.state = state;
    try {
      return this.#outcome(machine, state, takeOutcome(call, operation, operation.outcome));
    } catch (error) {
      return this.#raise(machine, state, call, operation.name, error);
    } finally {
      machine.state = before;
    }
  }

  #outcome(machine: Machine, state: number, outcome: Outcome): number {
    if (outcome.ok) return this.#pushAll(machine, state, outcome.results);
    throw new LuaRaise(outcome.message, outcome.value);
  }

  #effect(machine: Machine, state: number, call: Call, name: string, run: () => LuaInput | Results): number {
    const outcome = call.reading((): Outcome => {
      try {
        return { ok: true, results: listResults(run()) };
      } catch (error) {
        if (error instanceof LuaRaise) return { ok: false, message: error.message, value: error.value, defect: false };
        if (error instanceof MachineEnd || machine.end !== undefined) throw error;
        return this.#defect(error, name, call);
      }
    });
    return this.#outcome(machine, state, outcome);
  }

  #defect(error: unknown, name: string, call: Call): Outcome {
    this.#events.defect(error, name, call);
    const message = `internal error in '${name}'`;
    return { ok: false, message, value: message, defect: true };
  }

  #push(machine: Machine, state: number, result: LuaInput | Results): number {
    if (result instanceof Results) return this.#pushAll(machine, state, result.items);
    machine.pusher.push(state, result);
    return 1;
  }

  #pushAll(machine: Machine, state: number, items: readonly LuaInput[]): number {
    if (items.length > 8) {
      machine.exports.lua_checkstack(state, items.length + 8);
      machine.views.refresh();
    }
    for (const item of items) machine.pusher.push(state, item);
    return items.length;
  }

  /** Leaves the error value on the stack; ends pass through. */
  #raise(machine: Machine, state: number, call: Call, name: string, error: unknown): number {
    if (machine.end !== undefined) throw machine.end;
    if (error instanceof MachineEnd) throw machine.throwEnd(error);
    if (error instanceof WebAssembly.Exception) throw error; // a Lua error raised by an export: its handler is in the module
    machine.args.release();
    machine.views.refresh();
    if (!(error instanceof LuaRaise)) {
      this.#defect(error, name, call);
      machine.raise(state, `internal error in '${name}'`);
    } else if (typeof error.value === 'string') machine.raise(state, error.value);
    else machine.pusher.push(state, error.value);
    return raised;
  }

  #start(machine: Machine, state: number, call: Call, entry: WaitingHostFunction<Context>): number {
    const { name } = entry;
    if (call.pure) throw new LuaRaise(`'${name}' cannot be used here: filters and expressions do no I/O`);
    if (machine.exports.lua_isyieldable(state) === 0) {
      throw new LuaRaise(
        `'${name}' cannot wait inside a callback (a comparator of table.sort, a replacement of string.gsub, a message ` +
          'handler of xpcall, a metamethod called by a library): call it outside and keep the result',
      );
    }
    call.hostCallCount += 1;
    if (call.hostCallCount > call.limits.hostCalls)
      throw new LuaRaise(`more than ${call.limits.hostCalls} host calls in one call`);
    if (call.unseen >= call.limits.parallelHostCalls)
      throw new LuaRaise(`more than ${call.limits.parallelHostCalls} host calls at once`);
    call.operationCount += 1;
    call.unseen += 1;
    const number = call.operationCount;
    const known = call.operations[number - 1];
    if (known === undefined) {
      const operation: Operation = { number, name, outcome: call.replay?.outcomes[number - 1], visible: false };
      call.operations.push(operation);
      if (call.replay === undefined) this.#launch(machine, call, entry, operation);
      else tellAgain(call, operation);
    } else if (known.name !== name) throw machine.throwEnd(new MachineEnd('defect', 'a repeated run took another way'));
    machine.args.release();
    machine.views.pushLight(state, hostMark);
    machine.views.pushNumber(state, number);
    return -2 - number;
  }

  #launch(machine: Machine, call: Call, entry: WaitingHostFunction<Context>, operation: Operation): void {
    const started = this.#events.clock();
    let summary: string | undefined;
    const note = (text: string): void => {
      summary = text.slice(0, 200);
    };
    const view = new OperationView(call as Call<Context>, note);
    const settle = (outcome: Outcome): void => {
      operation.told = {
        name: entry.name,
        startMs: started - call.startedAt,
        durationMs: this.#events.clock() - started,
        ok: outcome.ok && !answersError(outcome.results),
        ...(summary === undefined ? {} : { summary }),
      };
      call.hostCalls.push(operation.told);
      if (call.ended) return;
      try {
        keepOutcome(call, operation, outcome);
        this.#events.settled(call, operation);
      } catch (error) {
        if (error instanceof MachineEnd) this.#events.end(call, error);
        else this.#events.defect(error, entry.name, call);
      }
    };
    let promise: Promise<LuaInput | Results>;
    try {
      promise = entry.run(machine.args, view);
    } catch (error) {
      promise = Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    if (machine.end !== undefined) {
      // The end met it while it read its arguments, and went into its promise. If the call is run again, it is asked anew.
      promise.catch(() => undefined);
      call.operations.pop();
      throw machine.end;
    }
    promise.then(
      (result) => settle({ ok: true, results: listResults(result) }),
      (error: unknown) => {
        if (error instanceof LuaRaise) settle({ ok: false, message: error.message, value: error.value, defect: false });
        else if (call.ended) settle({ ok: false, message: 'ended', value: 'ended', defect: false });
        else if (error instanceof MachineEnd) this.#events.end(call, error);
        else settle(this.#defect(error, entry.name, call));
      },
    );
  }
}

/** `nil, err` with a message: the script goes on, and what it asked for was not done. */
/** Nothing is asked in a replay: what was told of the same operation is told again. */
function tellAgain(call: Call, { number, name }: Operation): void {
  const told = call.replay?.told[number - 1];
  if (told?.name === name) call.hostCalls.push(told);
}

function answersError([first, second]: readonly LuaInput[]): boolean {
  const absent = first === null || first === undefined;
  return absent && typeof second === 'object' && second !== null && Object.hasOwn(second, 'message');
}

function listResults(result: LuaInput | Results): readonly LuaInput[] {
  return result instanceof Results ? result.items : [result];
}
