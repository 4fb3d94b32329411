/** Function images in use, bounded by bytes: the least recently used go first and are made again from bytecode. */
import { flatten, type Delta } from './image.ts';
import type { LoadedProgram } from './loaded-program.ts';
import type { Machine } from './machine.ts';

/** Calls after which an image is also kept in one piece. */
const usesBeforeFlat = 3;
/** Calls count while no more than so many of other functions lie between them. */
const recentRestores = 500;
/** Images in one piece: a quarter of the bytes. */
const flatShare = 0.25;

/** Deltas of all functions called lately, flat images of the hottest. */
export class ImageCache {
  readonly #limit: number;
  readonly #order = new Set<LoadedProgram>();
  readonly #flats = new Set<LoadedProgram>();
  #flatBytes = 0;
  #deltaBytes = 0;
  #last: LoadedProgram | undefined;
  restores = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#deltaBytes + this.#flatBytes;
  }

  /** Puts the program's image into a machine; false: there is none, the machine holds the base image. */
  restore(machine: Machine, program: LoadedProgram): boolean {
    this.restores += 1;
    const { flat, delta, base, namespaceUid } = program;
    if (program !== this.#last && delta !== undefined) this.#touch(program);
    if (flat !== undefined) {
      machine.restoreFlat(base, flat, namespaceUid);
      return true;
    }
    machine.restore(base, delta, namespaceUid);
    if (delta === undefined) return false;
    program.uses = this.restores - program.usedAt < recentRestores ? program.uses + 1 : 1;
    program.usedAt = this.restores;
    if (program.uses > usesBeforeFlat) this.#flatten(machine, program, delta);
    return true;
  }

  #touch(program: LoadedProgram): void {
    this.#order.delete(program);
    this.#order.add(program);
    if (this.#flats.delete(program)) this.#flats.add(program);
    this.#last = program;
  }

  #flatten(machine: Machine, program: LoadedProgram, delta: Delta): void {
    const flat = flatten(machine.views.u8, Math.max(delta.heapEnd, program.base.heapEnd));
    if (flat.heap.length > this.#limit * flatShare * 0.25) return;
    program.flat = flat;
    this.#flats.add(program);
    this.#flatBytes += flat.heap.length + flat.low.length;
    for (const oldest of this.#flats) {
      if (this.#flatBytes <= this.#limit * flatShare) return;
      this.#dropFlat(oldest);
    }
  }

  #dropFlat(program: LoadedProgram): void {
    if (program.flat === undefined) return;
    this.#flatBytes -= program.flat.heap.length + program.flat.low.length;
    program.flat = undefined;
    program.uses = 0;
    this.#flats.delete(program);
  }

  keep(program: LoadedProgram, delta: Delta): void {
    if (program.unloaded) return;
    this.drop(program);
    program.delta = delta;
    this.#order.add(program);
    this.#last = program;
    this.#deltaBytes += delta.bytes;
    for (const oldest of this.#order) {
      if (this.#deltaBytes <= this.#limit * (1 - flatShare)) return;
      if (oldest !== program) this.drop(oldest);
    }
  }

  drop(program: LoadedProgram): void {
    this.#dropFlat(program);
    if (program.delta === undefined) return;
    this.#deltaBytes -= program.delta.bytes;
    program.delta = undefined;
    this.#order.delete(program);
    if (this.#last === program) this.#last = undefined;
  }
}
