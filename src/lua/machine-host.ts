/** The engine as its machines see it. */
import type { Call } from './call.ts';
import type { HostDispatch } from './host-dispatch.ts';
import type { LoadedProgram } from './loaded-program.ts';
import type { Machine } from './machine.ts';

/** What a machine needs of its engine. */
export interface MachineHost {
  readonly clock: () => number;
  /** CPU time of this thread, milliseconds. */
  readonly threadCpu: () => number;
  readonly dispatch: HostDispatch;
  /** Suspends the running slice; resolves with fuel when its turn has come, rejects with the end of the call. */
  yieldSlice(call: Call, machine: Machine): Promise<number>;
  /** Lua of the program has run so long. */
  spent(program: LoadedProgram, milliseconds: number): void;
  /** Told at every look at the clock. */
  pulse(): void;
  /** Tells the watchdog what runs now (0: nothing); gives what ran before. */
  beat(mark: number): number;
}
