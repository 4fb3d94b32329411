/** Function images in use, bounded by bytes: those not used lately go first and are made again from bytecode. */
import { flatten, type Delta, type FlatImage } from './image.ts';
import { ImageFamilies } from './image-families.ts';
import { ImageShelf } from './image-shelf.ts';
import { setImage, type LoadedProgram } from './loaded-program.ts';
import type { Machine } from './machine.ts';

/** Calls after which an image is also kept in one piece. */
const usesBeforeFlat = 3;
/** Calls count while no more than so many of other functions lie between them. */
const recentRestores = 500;
/** So many bytes of images that are gone may lie between those in use, or as many as those have. */
const leastWaste = 2 * 1024 * 1024;
/** Images in one piece: a quarter of the bytes. */
const flatShare = 0.25;

/**
 * Deltas of all functions called lately, flat images of the hottest. A use only leaves its number behind; the queues are
 * looked at when something has to go, and who was used since he queued up queues again.
 */
export class ImageCache {
  readonly #limit: number;
  /** With the number of the restore at which each queued up. */
  readonly #order = new Map<LoadedProgram, number>();
  readonly #flats = new Map<LoadedProgram, number>();
  #flatBytes = 0;
  #deltaBytes = 0;
  #shelf = new ImageShelf();
  #families = new ImageFamilies();
  /** On the shelf, of images that are gone. */
  #wasted = 0;
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
    const { flat, hasImage, base, namespaceUid } = program;
    if (flat !== undefined) {
      program.usedAt = this.restores;
      machine.restoreFlat(base, flat, namespaceUid);
      return true;
    }
    program.uses = this.restores - program.usedAt < recentRestores ? program.uses + 1 : 1;
    program.usedAt = this.restores;
    const becomesFlat = hasImage && program.uses > usesBeforeFlat;
    // An image is taken of memory that was copied whole.
    if (becomesFlat) machine.distrust();
    machine.restore(base, hasImage ? program : undefined, namespaceUid);
    if (becomesFlat) this.#flatten(machine, program);
    return hasImage;
  }

  #flatten(machine: Machine, program: LoadedProgram): void {
    const { loaded } = program.base;
    const flat = flatten(machine.views.u8, loaded, Math.max(program.heapEnd, loaded.heapEnd));
    if (flat.heap.length > this.#limit * flatShare * 0.25) return;
    program.flat = flat;
    this.#flats.set(program, this.restores);
    this.#flatBytes += flatBytes(program, flat);
    for (const [oldest, since] of this.#flats) {
      if (this.#flatBytes <= this.#limit * flatShare) return;
      if (!this.#queuesAgain(this.#flats, oldest, since)) this.#dropFlat(oldest);
    }
  }

  #queuesAgain(queue: Map<LoadedProgram, number>, program: LoadedProgram, since: number): boolean {
    if (program.usedAt <= since) return false;
    queue.delete(program);
    queue.set(program, this.restores);
    return true;
  }

  #dropFlat(program: LoadedProgram): void {
    if (program.flat === undefined) return;
    this.#flatBytes -= flatBytes(program, program.flat);
    program.flat = undefined;
    program.uses = 0;
    this.#flats.delete(program);
  }

  keep(program: LoadedProgram, image: Delta): void {
    if (program.unloaded) return;
    this.drop(program);
    const small = ImageShelf.takes(image);
    const delta = small ? this.#families.reduce(image, program.base.loaded) : image;
    setImage(program, small ? this.#shelf.place(delta) : delta);
    this.#order.set(program, this.restores);
    this.#deltaBytes += delta.bytes;
    for (const [oldest, since] of this.#order) {
      if (this.#deltaBytes <= this.#limit * (1 - flatShare)) return;
      if (oldest !== program && !this.#queuesAgain(this.#order, oldest, since)) this.drop(oldest);
    }
  }

  drop(program: LoadedProgram): void {
    this.#dropFlat(program);
    if (!program.hasImage) return;
    const { bytes } = program;
    const onShelf = ImageShelf.takes(program);
    this.#deltaBytes -= bytes;
    setImage(program, undefined);
    this.#order.delete(program);
    if (!onShelf) return;
    this.#wasted += bytes;
    if (this.#wasted > Math.max(leastWaste, this.#deltaBytes)) this.#tidy();
  }

  #tidy(): void {
    this.#shelf = new ImageShelf();
    // Those that come may be written otherwise than those that have gone.
    this.#families = new ImageFamilies();
    this.#wasted = 0;
    for (const program of this.#order.keys()) {
      if (program.hasImage && ImageShelf.takes(program)) setImage(program, this.#shelf.place(program));
    }
  }
}

/** What the ground has is not counted. */
function flatBytes({ base }: LoadedProgram, { writable, still, heap }: FlatImage): number {
  return writable.length + heap.length + (still === base.loaded.still ? 0 : still.length);
}
