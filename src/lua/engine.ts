/** The engine of one thread: loads programs, calls them, keeps every call within its limits. */
import { randomBytes } from 'node:crypto';
import { buildBaseImage } from './base-image.ts';
import { Call, type Sources } from './call.ts';
import { callLimits } from './call-limits.ts';
import { finishedCall, refused } from './call-result.ts';
import { MachineEnd } from './ends.ts';
import { engineSettings, threadCpuMs, type EngineOptions, type EngineSettings } from './engine-options.ts';
import { HostDispatch, type Callable } from './host-dispatch.ts';
import { ImageCache } from './image-cache.ts';
import { internalFunctions } from './internal-functions.ts';
import type { LoadedProgram } from './loaded-program.ts';
import { Machine } from './machine.ts';
import { MachinePool } from './machine-pool.ts';
import { NamespaceBooks } from './namespace-books.ts';
import { osFunctions } from './os-functions.ts';
import { ParkingBooks } from './parking-books.ts';
import { ProgramLoader } from './program-loader.ts';
import { Roll } from './roll.ts';
import { Runner } from './runner.ts';
import type { RunnerHost } from './runner-host.ts';
import { SliceQueue } from './slice-queue.ts';
import { ThreadSignals } from './thread-signals.ts';
import { WaitingCalls, type ParkingHost } from './waiting-calls.ts';
import type { Engine, EngineStats, ProgramHandle, ProgramImage } from './engine-contract.ts';
import type { CallRequest, CallResult, LoadResult, Program } from './types.ts';

/** How often waiting calls are compared with their deadlines. */
const deadlineMs = 10;
/** How often idle machines beyond those that stay are looked for. */
const trimMs = 1000;

/** Makes the engine of this thread; builds its base image (some 10 ms). */
export function createEngine<Context = unknown>(options: EngineOptions<Context>): Engine<Context> {
  return new LuaEngine(options);
}

class LuaEngine<Context> implements Engine<Context> {
  readonly #settings: EngineSettings;
  readonly #sources: Sources;
  readonly #programs = new Map<string, LoadedProgram>();
  readonly #namespaces: NamespaceBooks;
  readonly #slices: SliceQueue;
  readonly #images: ImageCache;
  readonly #books: ParkingBooks;
  readonly #runner: Runner;
  readonly #waiting: WaitingCalls;
  readonly #base: ReturnType<typeof buildBaseImage>;
  readonly #plain: MachinePool;
  readonly #sliced: MachinePool;
  /** Loading never waits for calls. */
  readonly #loading: MachinePool;
  readonly #loader: ProgramLoader;
  readonly #running = new Roll<Call>();
  readonly #kills = new Map<string, number>();
  readonly #signals: ThreadSignals;
  readonly #onDefect: EngineOptions<Context>['onDefect'];
  #timer: NodeJS.Timeout | undefined;
  #trimmedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: EngineOptions<Context>) {
    this.#settings = engineSettings(options);
    this.#sources = {
      clock: options.clock ?? (() => performance.now()),
      threadCpu: options.threadCpu ?? options.clock ?? threadCpuMs,
      now: options.now ?? (() => Date.now()),
      randomBytes: options.randomBytes ?? ((count) => randomBytes(count)),
    };
    this.#signals = new ThreadSignals(options.heartbeat, options.longMarks);
    this.#onDefect = options.onDefect;
    this.#images = new ImageCache(this.#settings.imageBytes);
    this.#books = new ParkingBooks(this.#settings);
    this.#namespaces = new NamespaceBooks(options.allowance, this.#sources.clock);
    this.#slices = new SliceQueue(this.#namespaces);
    const functions: Callable<Context>[] = [
      ...internalFunctions,
      ...(osFunctions() as unknown as Callable<Context>[]),
      ...options.environment.functions,
    ];
    const { preludes, requirable } = options.environment;
    this.#base = buildBaseImage(options.module, functions, preludes, requirable);
    const dispatch = new HostDispatch<Context>(functions, {
      settled: (call) => this.#waiting.settled(call),
      end: (call, end) => this.#end(call, end),
      defect: (error, name, call) => this.#defect(error, name, call),
      clock: this.#sources.clock,
    });
    const create = (): Machine =>
      new Machine(options.module, this.#base, {
        clock: this.#sources.clock,
        threadCpu: this.#sources.threadCpu,
        dispatch,
        yieldSlice: (call, machine) => this.#slices.suspend(call, machine),
        spent: ({ book }, milliseconds) => this.#namespaces.spent(book, milliseconds),
        pulse: () => this.#signals.pulse(),
        beat: (mark) => this.#signals.beat(mark),
      });
    const park = (call: Call): boolean => this.#waiting.park(call);
    const { machines, slicedMachines } = this.#settings;
    this.#plain = new MachinePool(machines, machines * 4, machines, { create, park });
    const shares = { perNamespace: Math.ceil(slicedMachines / 2), perFunction: Math.ceil(slicedMachines / 4) };
    this.#sliced = new MachinePool(slicedMachines, slicedMachines, 4, { create, park }, shares);
    this.#loading = new MachinePool(2, 2, 1, { create, park });
    const host: RunnerHost & ParkingHost = {
      plain: this.#plain,
      sliced: this.#sliced,
      slices: this.#slices,
      books: this.#namespaces,
      clock: this.#sources.clock,
      waiting: (call, waits) => this.#setWaiting(call, waits),
      parked: (call, delta) => this.#parked(call, delta.bytes),
      unparked: (call, delta) => this.#books.unparked(call, delta.bytes),
      images: this.#images,
      markLong: (call) => this.#signals.markLong(call.program),
      ended: (call, result) => this.#settle(call, result),
      defect: (error, call) => this.#defect(error, 'engine', call),
    };
    this.#runner = new Runner(host);
    this.#waiting = new WaitingCalls(host, this.#runner);
    this.#loader = new ProgramLoader({
      base: this.#base,
      books: this.#namespaces,
      pool: this.#loading,
      sources: this.#sources,
      enter: (call, machine, args) => this.#runner.enter(call, machine, args),
      track: (call, running) => {
        if (!running) this.#running.delete(call);
        else this.#running.add(call);
        this.#watch();
      },
      defect: (error, call) => this.#defect(error, 'engine', call),
    });
  }

  call(request: CallRequest<Context>): CallResult | Promise<CallResult> {
    // Handles are made here only: each is one of these programs.
    const { program: found, target } = request;
    const program = found?.unloaded === false ? (found as LoadedProgram) : this.#programs.get(request.revision);
    if (program === undefined || this.#closed) return refused(`revision ${request.revision} is not loaded`);
    const known =
      'handler' in target ? program.handlers.has(target.handler) : program.expressions.has(target.expression);
    if (!known)
      return refused(
        `there is no ${'handler' in target ? `handler '${target.handler}'` : `expression '${target.expression}'`}`,
      );
    const limits = callLimits(program.limits, request);
    const overload = this.#books.admit(program);
    if (overload !== undefined) return overload;
    const call = new Call<Context>(program, request, limits, this.#sources) as Call;
    call.sliced = program.long || this.#signals.isMarkedLong(program);
    if (request.signal?.aborted === true)
      return finishedCall(call, { kind: 'cancelled', error: { message: 'was cancelled' } });
    const result = this.#runner.start(call);
    if (result !== undefined) {
      this.#count(result);
      return result;
    }
    return this.#later(call);
  }

  find(revision: string): ProgramHandle | undefined {
    return this.#programs.get(revision);
  }

  #later(call: Call): Promise<CallResult> {
    this.#running.add(call);
    this.#watch();
    const { signal } = call.request;
    const cancel = (): void => this.#end(call, new MachineEnd('cancelled', 'was cancelled'));
    signal?.addEventListener('abort', cancel, { once: true });
    return new Promise((resolve) => {
      const settle = (result: CallResult): void => {
        signal?.removeEventListener('abort', cancel);
        resolve(result);
      };
      call.settle = settle;
    });
  }

  #settle(call: Call, result: CallResult): void {
    this.#running.delete(call);
    this.#count(result);
    call.settle?.(result);
  }

  #count(result: CallResult): void {
    const { kind } = result;
    if (kind === 'ok' || kind === 'error' || kind === 'exit') return;
    this.#kills.set(kind, (this.#kills.get(kind) ?? 0) + 1);
  }

  /** Ends a call from outside, wherever it stands. */
  #end(call: Call, end: MachineEnd): void {
    if (call.ended) return;
    const { machine } = call;
    if (machine !== undefined && call.waitingFor === undefined && call.leaveQueue === undefined) {
      // Running: suspended between slices, or this very moment; then its next look at the clock ends it.
      if (!this.#slices.end(call, machine, end)) call.pendingEnd = end;
      return;
    }
    this.#waiting.endIdle(call, end);
  }

  #setWaiting(call: Call, waits: boolean): void {
    if (waits) this.#books.waits(call);
    else this.#books.waitsNoMore(call);
  }

  #parked(call: Call, bytes: number): void {
    this.#books.parked(call, bytes);
    const victim = this.#books.overfull(() => this.#running.all());
    if (victim !== undefined)
      this.#end(victim, new MachineEnd('memory', 'ended because parked calls were at their cap'));
  }

  /** One coarse timer for all deadlines; it stops when nobody waits and no machine is to be dropped. */
  #watch(): void {
    this.#timer ??= setInterval(() => {
      const now = this.#sources.clock();
      for (const call of this.#running.all()) {
        if (now >= call.deadline)
          this.#end(call, new MachineEnd('timeout', `took longer than ${call.limits.timeoutMs} ms`));
      }
      if (now - this.#trimmedAt >= trimMs) {
        this.#trimmedAt = now;
        for (const pool of this.#pools()) pool.trim();
      }
      if (this.#running.size > 0 || this.#pools().some(({ hasSpare }) => hasSpare)) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    }, deadlineMs);
  }

  #pools(): readonly MachinePool[] {
    return [this.#plain, this.#sliced, this.#loading];
  }

  #defect(error: unknown, name: string, call: Call): void {
    this.#onDefect?.(error, { name, callId: call.callId, functionName: call.functionName });
  }

  async load(program: Program, image?: ProgramImage): Promise<LoadResult> {
    const loaded = await this.#loader.load(program, image);
    if (!loaded.ok) return loaded;
    this.#forget(program.revision);
    this.#programs.set(program.revision, loaded.program);
    this.#images.keep(loaded.program, loaded.delta);
    return { ok: true, handlers: [...loaded.program.handlers.keys()], warnings: [] };
  }

  image(revision: string): ProgramImage | undefined {
    const program = this.#programs.get(revision);
    return program === undefined ? undefined : this.#loader.share(program);
  }

  #forget(revision: string): LoadedProgram | undefined {
    const program = this.#programs.get(revision);
    if (program === undefined) return undefined;
    program.unloaded = true;
    this.#images.drop(program);
    this.#programs.delete(revision);
    this.#namespaces.leave(program.book);
    return program;
  }

  unload(revision: string): void {
    const program = this.#forget(revision);
    if (program === undefined) return;
    for (const pool of this.#pools()) pool.wipe(program.namespaceUid, this.#base);
  }

  renewAllowances(): void {
    this.#namespaces.renew();
  }

  stats(): EngineStats {
    const parked = this.#books.totals();
    const pools = this.#pools();
    return {
      functions: this.#programs.size,
      functionImageBytes: this.#images.bytes,
      imageRestores: this.#images.restores,
      machines: pools.reduce((sum, pool) => sum + pool.size, 0),
      machineBytes: pools.reduce((sum, pool) => sum + pool.bytes, 0),
      runningCalls: this.#running.size,
      parkedCalls: parked.calls,
      parkedBytes: parked.bytes,
      killsByReason: new Map(this.#kills),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const call of this.#running.all()) this.#end(call, new MachineEnd('cancelled', 'the engine closes'));
    while (this.#running.size > 0) await new Promise((resolve) => setImmediate(resolve));
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
