/** Where a call stands for which no machine is free. */
import type { Call } from './call.ts';
import type { Machine } from './machine.ts';
import type { MachinePool } from './machine-pool.ts';
import type { RunnerHost } from './runner-host.ts';

/** A function whose last stretch between two waits was shorter is quick: its calls need no turn of their own. */
export const quickMs = 0.25;

/** Hands the call a machine when one is free and, unless it is quick, when a turn of the event loop is its own. */
export function queueForMachine(
  host: RunnerHost,
  call: Call,
  pool: MachinePool,
  begin: (machine: Machine) => void,
): void {
  host.waiting(call, true);
  call.leaveQueue = pool.wait(call, (machine) => {
    const start = (): void => {
      call.leaveQueue = undefined;
      host.waiting(call, false);
      begin(machine);
    };
    if (!needsTurn(host, call)) {
      start();
      return;
    }
    // Whoever left the machine has had this turn.
    const leave = host.slices.enter(call, start, true);
    // By a name, as `settle` of a call.
    const leaveTurn = (): void => {
      leave?.();
      pool.release(machine);
    };
    call.leaveQueue = leaveTurn;
  });
}

/** Long calls always, and those of a namespace over its share; others, unless they are known to be quick, once somebody has had this turn. */
export function needsTurn(host: RunnerHost, call: Call): boolean {
  return call.sliced || (!call.program.quick && host.slices.isTaken) || host.books.isOver(call.program.book);
}
