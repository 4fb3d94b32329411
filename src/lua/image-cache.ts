/** Function images in use, bounded by bytes: the least recently used go first and are made again from bytecode. */
import type { Delta } from './image.ts';
import type { LoadedProgram } from './loaded-program.ts';

export class ImageCache {
  readonly #limit: number;
  readonly #order = new Set<LoadedProgram>();
  #last: LoadedProgram | undefined;
  bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The image, now the most recently used. */
  use(program: LoadedProgram): Delta | undefined {
    if (program !== this.#last && program.delta !== undefined) {
      this.#order.delete(program);
      this.#order.add(program);
      this.#last = program;
    }
    return program.delta;
  }

  keep(program: LoadedProgram, delta: Delta): void {
    this.drop(program);
    program.delta = delta;
    this.#order.add(program);
    this.#last = program;
    this.bytes += delta.bytes;
    for (const oldest of this.#order) {
      if (this.bytes <= this.#limit) return;
      this.drop(oldest);
    }
  }

  drop(program: LoadedProgram): void {
    if (program.delta === undefined) return;
    this.bytes -= program.delta.bytes;
    program.delta = undefined;
    this.#order.delete(program);
    if (this.#last === program) this.#last = undefined;
  }
}
