/** One Lua machine: an instance, the image it was last restored from, and the call that runs in it. */
import type { BaseImage } from './base-image.ts';
import type { Call } from './call.ts';
import { MachineEnd } from './ends.ts';
import type { Owner } from './fair-queue.ts';
import { materialise, pushLazy } from './give-lazy.ts';
import { FrameArguments } from './host-arguments.ts';
import type { Delta, FlatImage } from './image.ts';
import { createInstance, type InstanceHost, type LuaExports } from './instance.ts';
import { breakPointer } from './layout.ts';
import type { MachineHost } from './machine-host.ts';
import { MachineMemory } from './machine-memory.ts';
import { MemoryViews } from './memory-views.ts';
import { keepsTooMuch } from './operation.ts';
import { ValuePusher } from './push-value.ts';
import { ValueReader } from './read-value.ts';
import { SliceClock } from './slice-clock.ts';

/** Loop turns between two looks at the clock: some 0.05 ms. */
export const quantum = 8192;
/** Work units of host calls between two looks at the clock. */
const workQuantum = 65536;
/** A slice of a suspendable entry. */
const sliceMs = 2;
/** A plain entry that holds the thread longer is ended and run again in slices. */
const plainMs = 10;

/** A machine runs one call at a time; its memory is only trusted after `restore`. */
export class Machine implements InstanceHost {
  readonly exports: LuaExports;
  readonly views: MemoryViews;
  readonly reader: ValueReader;
  readonly pusher: ValuePusher;
  readonly args: FrameArguments;
  readonly resumeSliced: (state: number, args: number, sliced: number) => Promise<number>;
  readonly closeSliced: (state: number, sliced: number) => Promise<number>;
  call: Call | undefined;
  /** Set when an end was thrown: host code that swallowed it cannot go on. */
  end: MachineEnd | undefined;
  sliced = false;
  /** The lua_State whose host function runs; 0 outside. */
  state = 0;
  work = 0;
  /** Until when Lua code that the engine itself calls may run; 0: no such code runs. */
  shortUntil = 0;
  /** Order of last use, for eviction. */
  usedAt = 0;
  /** Given out by its pool, and to whom. */
  reserved = false;
  owner: Owner | undefined;
  #beforeMark = 0;
  readonly #slice: SliceClock;
  readonly #memory: MachineMemory;
  readonly #host: MachineHost;

  constructor(module: WebAssembly.Module, base: BaseImage, host: MachineHost) {
    this.#host = host;
    this.#slice = new SliceClock(host.threadCpu);
    this.exports = createInstance(module, this, base.images);
    this.exports.mh_set_setmetatable(base.setmetatableSlot);
    this.resumeSliced = WebAssembly.promising(this.exports.mh_resume);
    this.closeSliced = WebAssembly.promising(this.exports.mh_close);
    this.views = new MemoryViews(this.exports);
    this.#memory = new MachineMemory(this.exports, this.views);
    this.reader = new ValueReader(this.views, base, (table) => materialise(this, table));
    this.pusher = new ValuePusher(this.views, base, (state, table) => pushLazy(this, state, table, base.lazy));
    this.args = new FrameArguments(this.views, this.reader);
  }

  /** Bytes of memory this instance has reached. */
  get memoryBytes(): number {
    return this.views.u8.length;
  }

  /** The namespace whose bytes may lie in memory outside the image. */
  get tenant(): string {
    return this.#memory.tenant;
  }

  get heapEnd(): number {
    return this.views.word(breakPointer);
  }

  /** Makes the memory equal to the base image, or to a function's: a difference over the image with a function loaded. */
  restore(base: BaseImage, delta: Delta | undefined, tenant: string): void {
    this.#memory.restore(base, delta, tenant);
    this.#begin();
  }

  /** Makes the memory equal to a function image. */
  restoreFlat(base: BaseImage, flat: FlatImage, tenant: string): void {
    this.#memory.restoreFlat(base, flat, tenant);
    this.#begin();
  }

  /** The next restore copies everything. */
  distrust(): void {
    this.#memory.distrust();
  }

  #begin(): void {
    this.end = undefined;
    this.work = 0;
    this.shortUntil = 0;
    this.exports.mh_begin(quantum, -1);
  }

  /** The call runs here from now on. */
  seat(call: Call, sliced: boolean): void {
    const { base } = call.program;
    call.machine = this;
    call.thread = base.thread;
    call.heapFloor = base.heapFloor;
    this.call = call;
    this.sliced = sliced;
    this.state = 0;
  }

  /** The heap may grow to the limit less what is held outside. */
  applyMemoryLimit(call: Call): void {
    const limit = call.heapFloor + call.limits.memoryBytes - call.held;
    this.exports.mh_set_limit(limit);
    if (this.heapEnd > limit) throw this.throwEnd(call.memoryEnd());
  }

  /**
   * Notes the most the call has used of memory: what Lua asked for, or how far the heap has grown. The heap of an image has
   * room for the first kilobytes of a call, and a heap that has grown is not all in use.
   */
  notePeak(call: Call): void {
    const used = Math.max(this.exports.mh_peak(), this.heapEnd - call.heapStart) + call.heldPeak;
    if (used > call.memoryPeak) call.memoryPeak = used;
  }

  /** CPU of the running slice. */
  sliceMs(): number {
    return this.#slice.cpu(this.#host.clock());
  }

  /** Starts the clock of a slice; a running one goes on. */
  startSlice(call: Call, at?: number): void {
    if (this.#slice.running) return;
    this.#slice.start(at ?? this.#host.clock(), this.sliced);
    this.#beforeMark = this.#host.beat(call.program.mark);
    call.request.onSlice?.(true);
  }

  /** Ends a slice and adds its time to the call. */
  stopSlice(call: Call): void {
    if (!this.#slice.running) return;
    const spent = this.#slice.stop(this.#host.clock());
    call.cpuMs += spent;
    this.#host.spent(call.program, spent);
    this.#host.beat(this.#beforeMark);
    call.request.onSlice?.(false);
  }

  /** Lets the engine's own calls into Lua take this long. */
  limitConversion(ms: number): void {
    this.shortUntil = this.#host.clock() + ms;
  }

  throwEnd(end: MachineEnd): MachineEnd {
    this.end = end;
    this.distrust();
    return end;
  }

  /** Looks at the clocks; throws the end of the call. */
  checkClock(): void {
    const { call } = this;
    if (call === undefined) return;
    this.#host.pulse();
    const now = this.#host.clock();
    if (this.shortUntil !== 0 && now >= this.shortUntil) {
      throw this.throwEnd(new MachineEnd('convert', 'the error value took too long to show'));
    }
    const spent = this.#slice.cpu(now);
    try {
      call.check(now, spent);
    } catch (error) {
      throw error instanceof MachineEnd ? this.throwEnd(error) : error;
    }
    if (!this.sliced && ((spent >= plainMs && call.mayReslice) || keepsTooMuch(call))) {
      throw this.throwEnd(new MachineEnd('reslice', 'runs again in slices'));
    }
  }

  /** Counts host work; looks at the clock now and then, as loops do. */
  addWork(units: number): void {
    this.work += units;
    if (this.work < workQuantum) return;
    this.work = 0;
    this.checkClock();
  }

  fuelSync(): number {
    if (this.call === undefined) return 0x7fffffff;
    this.checkClock();
    // JavaScript frames on the stack cannot be suspended: without fuel every loop in there would ask again.
    if (!this.sliced || this.state !== 0) return quantum;
    return this.#slice.wall(this.#host.clock()) >= sliceMs ? 0 : quantum;
  }

  async fuelAsync(): Promise<number> {
    const { call } = this;
    if (call === undefined) return quantum;
    this.stopSlice(call);
    try {
      const fuel = await this.#host.yieldSlice(call, this);
      this.views.refresh();
      this.startSlice(call);
      return fuel;
    } catch (error) {
      throw error instanceof MachineEnd ? this.throwEnd(error) : error;
    }
  }

  host(state: number): number {
    return this.#host.dispatch.run(this, state);
  }

  hostContinue(state: number, operation: number): number {
    return this.#host.dispatch.resume(this, state, operation);
  }

  lazyField(state: number): number {
    return this.#host.dispatch.lazyField(this, state);
  }

  refuseGc(state: number): void {
    this.views.refresh();
    this.raise(state, "'__gc' is not available: machines end without finalisers");
  }

  address(pointer: number): number {
    if (pointer === 0 || this.call === undefined) return 0;
    const known = (this.call.addresses ??= new Map<number, number>());
    const seen = known.get(pointer);
    if (seen !== undefined) return seen;
    known.set(pointer, known.size + 1);
    return known.size;
  }

  memoryOut(): never {
    throw this.throwEnd(this.call?.memoryEnd() ?? new MachineEnd('memory', 'out of memory'));
  }

  /** Pushes an error message with the user's line in front. */
  raise(state: number, message: string): void {
    const { views } = this;
    // Functions of the host's preludes carry no lines: the first frame that has one is the user's.
    for (let level = 1; level <= 4; level += 1) {
      this.exports.luaL_where(state, level);
      views.refresh();
      const at = views.top(state) - 16;
      const [start, end] = views.stringRange(views.word(at), views.tag(at));
      if (end > start || level === 4) break;
      this.exports.lua_settop(state, -2);
    }
    this.views.pushText(state, message);
    this.exports.lua_concat(state, 2);
    this.views.refresh();
  }
}
