/** Ends of a machine that no `pcall` can see: thrown through WebAssembly as objects only the engine knows. */
import type { LuaValue } from './types.ts';

export type EndKind = 'timeout' | 'cpu' | 'memory' | 'cancelled' | 'exit' | 'reslice' | 'convert' | 'defect';

/** One end of one machine. `convert`: an error value took too long to show. `reslice`: the call outlived the plain entry, or keeps too much for it, and is run again in slices. */
export class MachineEnd {
  readonly kind: EndKind;
  readonly message: string;
  readonly values: readonly LuaValue[];
  constructor(kind: EndKind, message: string, values: readonly LuaValue[] = []) {
    this.kind = kind;
    this.message = message;
    this.values = values;
  }
}
