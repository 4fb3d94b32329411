/** Turns programs into loaded programs: in slices like any long call, or from the image another thread has made. */
import type { BaseImage } from './base-image.ts';
import { Call, type Sources } from './call.ts';
import { MachineEnd } from './ends.ts';
import { functionMark } from './engine-options.ts';
import { killedAt } from './explain-error.ts';
import { difference, type Delta } from './image.ts';
import { takeFromShelf } from './image-shelf.ts';
import { compileProgram, endMistake, startProgram, type Enter } from './load-program.ts';
import { noRuns, type Bytecode, type LoadedProgram } from './loaded-program.ts';
import type { Machine } from './machine.ts';
import type { NamespaceBook, NamespaceBooks } from './namespace-books.ts';
import type { MachinePool } from './machine-pool.ts';
import type { ProgramImage } from './engine-contract.ts';
import type { CallRequest, LuaMistake, Program } from './types.ts';

/** What the loader needs of its engine. */
export interface LoaderHost {
  readonly base: BaseImage;
  readonly pool: MachinePool;
  readonly books: NamespaceBooks;
  readonly sources: Sources;
  readonly enter: Enter;
  /** The load is in the engine's books while it runs: deadlines apply. */
  track(call: Call, running: boolean): void;
  defect(error: unknown, call: Call): void;
}

export type Loaded =
  | { readonly ok: true; readonly program: LoadedProgram; readonly delta: Delta }
  | { readonly ok: false; readonly mistakes: readonly LuaMistake[] };

/** What a ProgramImage carries. */
interface ImageParts {
  readonly bytecode: Bytecode;
  readonly handlers: readonly string[];
  readonly startMs: number;
  readonly delta: Delta;
}

/** Positions on the stack, by name. */
function positions(names: readonly string[], before: number): ReadonlyMap<string, number> {
  return new Map(names.map((name, index) => [name, before + index + 1]));
}

/** Of most programs: one for all. */
const onlyDefault = positions(['default'], 0);
const noExpressions = positions([], 0);

/** One per engine. */
export class ProgramLoader {
  readonly #host: LoaderHost;

  constructor(host: LoaderHost) {
    this.#host = host;
  }

  async load(program: Program, image: ProgramImage | undefined): Promise<Loaded> {
    const { books } = this.#host;
    const book = books.enter(program.namespace, program.namespaceUid);
    const loaded = await this.#load(program, book, image);
    if (!loaded.ok) books.leave(book);
    return loaded;
  }

  async #load(program: Program, book: NamespaceBook, image: ProgramImage | undefined): Promise<Loaded> {
    const parts = image === undefined ? undefined : this.#fitting(image, program);
    if (parts !== undefined) {
      return {
        ok: true,
        program: this.#complete(program, book, parts.bytecode, parts.handlers, parts.startMs),
        delta: parts.delta,
      };
    }
    const { pool } = this.#host;
    const call = this.#call(program, book);
    const machine = pool.take(call) ?? (await new Promise<Machine>((resolve) => void pool.wait(call, resolve)));
    this.#host.track(call, true);
    let whole = true;
    try {
      return await this.#loadOn(machine, call, program);
    } catch (thrown) {
      const error = machine.end ?? thrown;
      if (error instanceof MachineEnd && error.kind !== 'defect') {
        return { ok: false, mistakes: [endMistake(error, program.name, killedAt(machine, call))] };
      }
      this.#host.defect(error, call);
      whole = false;
      return { ok: false, mistakes: [{ kind: 'load', file: program.name, message: 'internal error of the engine' }] };
    } finally {
      this.#host.track(call, false);
      call.finish();
      if (!whole) pool.drop(machine);
      pool.release(machine);
    }
  }

  /** What of an image can be used; undefined: it is of another base image, another revision or other expressions. */
  #fitting(image: ProgramImage, program: Program): ImageParts | undefined {
    if (image.baseDigest !== this.#host.base.digest || image.revision !== program.revision) return undefined;
    const parts = image.parts as ImageParts;
    const { expressions } = parts.bytecode;
    const equal =
      expressions.length === program.expressions.size && expressions.every(([name]) => program.expressions.has(name));
    return equal ? parts : undefined;
  }

  async #loadOn(machine: Machine, call: Call, program: Program): Promise<Loaded> {
    const { base, enter } = this.#host;
    this.#attach(machine, call);
    const bytecode = await compileProgram(machine, call, program, enter);
    if (!('code' in bytecode)) return { ok: false, mistakes: bytecode };
    this.#attach(machine, call);
    const began = call.cpuMs;
    const shape = await startProgram(machine, call, bytecode, enter);
    if (!('handlers' in shape)) return { ok: false, mistakes: shape };
    return {
      ok: true,
      program: this.#complete(program, call.program.book, bytecode, shape.handlers, call.cpuMs - began),
      delta: difference(machine.views.u8, base.loaded, machine.heapEnd),
    };
  }

  #attach(machine: Machine, call: Call): void {
    const { base } = this.#host;
    call.machine = machine;
    call.thread = base.thread;
    call.heapFloor = base.heapFloor;
    machine.restore(base, undefined, call.program.namespaceUid);
    machine.call = call;
    machine.sliced = true;
    machine.applyMemoryLimit(call);
  }

  /** For other threads. */
  share(program: LoadedProgram): ProgramImage | undefined {
    const { bytecode, startMs } = program;
    if (!program.hasImage) return undefined;
    const parts: ImageParts = {
      bytecode,
      handlers: [...program.handlers.keys()],
      startMs,
      delta: takeFromShelf(program),
    };
    return { baseDigest: this.#host.base.digest, revision: program.revision, parts };
  }

  #complete(
    program: Program,
    book: NamespaceBook,
    bytecode: Bytecode,
    handlers: readonly string[],
    startMs: number,
  ): LoadedProgram {
    // What each call reads stands first, in as few lines of memory as it takes.
    return {
      unloaded: false,
      handlers: handlers.length === 1 && handlers[0] === 'default' ? onlyDefault : positions(handlers, 0),
      limits: program.limits,
      long: false,
      mark: functionMark(program.revision),
      namespace: program.namespace,
      namespaceUid: program.namespaceUid,
      name: program.name,
      revision: program.revision,
      base: this.#host.base,
      book,
      quick: false,
      uses: 0,
      usedAt: 0,
      flat: undefined,
      hasImage: false,
      runs: noRuns,
      from: 0,
      to: 0,
      under: undefined,
      tail: undefined,
      heapEnd: 0,
      movesStill: false,
      stackBase: handlers.length + bytecode.expressions.length,
      bytes: 0,
      env: program.env,
      bytecode,
      expressions:
        bytecode.expressions.length === 0
          ? noExpressions
          : positions(
              bytecode.expressions.map(([name]) => name),
              handlers.length,
            ),
      files: [program.name, ...program.modules.keys(), ...program.expressions.keys()],
      startMs,
      parkedEstimate: 0,
      parkedBytes: 0,
    };
  }

  #call(program: Program, book: NamespaceBook): Call {
    const request: CallRequest = {
      callId: `load-${program.revision}`,
      revision: program.revision,
      target: { handler: '' },
      arguments: [],
      context: undefined,
      pure: true,
    };
    const blank = this.#complete(program, book, { code: new Uint8Array(), modules: new Map(), expressions: [] }, [], 0);
    const call = new Call(blank, request, program.limits, this.#host.sources);
    call.loading = true;
    call.sliced = true;
    return call;
  }
}
