/** The part of the WebAssembly JavaScript API (and of JS Promise Integration) that the engine uses; no library of TypeScript brings it without the DOM. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
    static exports(module: Module): { readonly name: string; readonly kind: string }[];
    private readonly brand: unique symbol;
  }
  class Memory {
    constructor(size: { readonly initial: number; readonly maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    readonly length: number;
    get(index: number): unknown;
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  class Exception extends Error {}
  class RuntimeError extends Error {}
  /** An import whose promise suspends the WebAssembly stack below the nearest `promising` entry. */
  class Suspending {
    constructor(run: (...args: number[]) => number | Promise<number>);
    private readonly brand: unique symbol;
  }
  function promising(entry: unknown): (...args: number[]) => Promise<number>;
  function compile(bytes: Uint8Array): Promise<Module>;
}
