/** Puts images into the memory of a machine, and copies only what the last call may have changed. */
import type { BaseImage } from './base-image.ts';
import { cleanMemory } from './clean-memory.ts';
import { applyDelta, type Delta, type FlatImage } from './image.ts';
import type { LuaExports } from './instance.ts';
import { heapBase, lowStart, pageBytes, stillStart, writableStart } from './layout.ts';
import type { MemoryViews } from './memory-views.ts';

/** After so many restores everything is copied once: not even what corrupted memory has changed lasts. */
const mostQuick = 64;

/** The memory of one machine. */
export class MachineMemory {
  readonly #exports: LuaExports;
  readonly #views: MemoryViews;
  /** The namespace whose bytes may lie outside the image. */
  tenant = '';
  /** What was copied to the region of what stands still; undefined: whether it is still there is not known. */
  #still: Uint8Array | undefined;
  /** How many slots the table of strings had then. */
  #stringSlots = 0;
  /** Restores since everything was copied. */
  #quick = 0;

  constructor(exports: LuaExports, views: MemoryViews) {
    this.#exports = exports;
    this.#views = views;
  }

  /** Makes it equal to the base image, or to what differs from the image with a function loaded. */
  restore(base: BaseImage, delta: Delta | undefined, tenant: string): void {
    const ground = delta === undefined ? base : base.loaded;
    // What is loaded into it becomes an image.
    if (delta === undefined) this.distrust();
    this.#layStill(base, ground.still, Math.max(delta?.heapEnd ?? 0, ground.heapEnd), tenant);
    const { u8, i32 } = this.#views;
    const { writable, heap } = delta?.under ?? ground;
    u8.set(writable, writableStart);
    u8.set(heap, heapBase);
    if (delta !== undefined) {
      applyDelta(u8, i32, ground, delta);
      if (delta.movesStill) this.distrust();
    }
    this.#stringSlots = this.#views.word(base.stringSlots);
  }

  /** Makes it equal to a function image. */
  restoreFlat(base: BaseImage, flat: FlatImage, tenant: string): void {
    this.#layStill(base, flat.still, flat.heapEnd, tenant);
    const { u8 } = this.#views;
    u8.set(flat.writable, writableStart);
    u8.set(flat.heap, heapBase);
    this.#stringSlots = this.#views.word(base.stringSlots);
  }

  /** The next restore copies everything. */
  distrust(): void {
    this.#still = undefined;
  }

  /**
   * The binary's constants and what stands still are two thirds of an image, and calls leave them as they are: constants could
   * only be changed by corruption; strings, prototypes and closures of the base image only by the collector, or when the
   * table of strings grows. They are copied for another namespace, after any end but a good one, and now and then.
   */
  #layStill(base: BaseImage, still: Uint8Array, end: number, tenant: string): void {
    const [exports, views] = [this.#exports, this.#views];
    if (views.u8.length === 0) views.refresh();
    if (end > views.u8.length) {
      exports.memory.grow(Math.ceil((end - views.u8.length) / pageBytes));
      views.refresh();
    }
    this.#quick += 1;
    if (tenant !== this.tenant || this.#still === undefined || this.#quick > mostQuick) {
      if (tenant !== this.tenant) cleanMemory(exports, views, base);
      this.tenant = tenant;
      views.u8.set(base.constants, lowStart);
      views.u8.set(still, stillStart);
      this.#quick = 0;
    } else if (
      still !== this.#still ||
      exports.mh_collected() !== 0 ||
      views.word(base.stringSlots) !== this.#stringSlots
    ) {
      views.u8.set(still, stillStart);
    }
    this.#still = still;
  }
}
